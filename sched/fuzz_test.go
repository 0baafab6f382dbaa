package sched

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

// FuzzConfig reads scheduler files of any kind and runs what comes of them: an
// error, or a run whose numbers may be anything.
func FuzzConfig(f *testing.F) {
	for class, text := range classDefaults {
		f.Add([]byte(`{"_class_name":"`+class+`",`+text[1:]), "", "", uint8(7))
	}
	f.Add([]byte(sdxlConfig), "DPM++ 2M Karras", "a1111", uint8(3))
	if data, err := os.ReadFile("testdata/class_defaults.json"); err == nil {
		f.Add(data, "deis", "comfy", uint8(1))
	}
	f.Fuzz(func(t *testing.T, data []byte, sampler, dialect string, steps uint8) {
		var c Config
		if json.Unmarshal(data, &c) != nil || c.TrainTimesteps > 2000 {
			return // more only takes longer
		}
		// A schedule of 2000 timesteps and runs over it.
		most := bounded.Cost{Bytes: 16 << 20, BytesPerByte: 1 << 10, Time: 10 * time.Second, TimePerByte: 100 * time.Microsecond}
		bounded.Check(t, len(data), most, func() { runConfig(c, sampler, dialect, int(steps)) })
	})
}

// runConfig runs what a configuration makes, if it makes something.
func runConfig(c Config, sampler, dialect string, steps int) {
	o := Overrides{Sampler: sampler, Dialect: dialect}
	s, err := c.New(o, steps)
	if err != nil {
		return
	}
	for _, s := range []*Schedule{s, s.From(0.5), s.Until(0.5)} {
		if len(s.Timesteps) == 0 {
			continue
		}
		x := make([]float32, stateSize)
		NewTorchNoise(1).Normal(x)
		r := NewRun(s, x, 2)
		r.Noise, r.Denoise = NewTorchNoise(2), NewDenoise(smallNetwork[float32], s.Prediction, s.Time, len(x))
		_ = s.Sampler.F32(context.Background(), r)
	}
}

// TestOddConfigs draws values that are right for a field or not, and runs what
// is no error.
func TestOddConfigs(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	pool := []string{
		`-5`, `0`, `1`, `2`, `3`, `7`, `50`, `250`, `1000`, `1e-9`, `0.5`, `0.02`, `1e30`, `true`, `false`, `null`, `[]`, `[0,1,-3]`, `{}`,
		`"linear"`, `"scaled_linear"`, `"squaredcos_cap_v2"`, `"epsilon"`, `"v_prediction"`, `"sample"`, `"leading"`, `"linspace"`, `"trailing"`, `"zero"`, `"sigma_min"`,
		`"dpmsolver"`, `"sde-dpmsolver++"`, `"midpoint"`, `"heun"`, `"bh1"`, `"noise_prediction"`, `"log_linear"`, `"continuous"`, `"fixed_large"`, `"exponential"`, `""`,
	}
	ran := 0
	for i := range 4000 {
		class := Classes()[i%len(Classes())]
		text := fmt.Sprintf(`{"_class_name":%q`, class)
		for _, field := range slices.Sorted(maps.Keys(accepted(class))) {
			if rng.IntN(6) == 0 {
				text += fmt.Sprintf(`,%q:%s`, field, pool[rng.IntN(len(pool))])
			}
		}
		var c Config
		if json.Unmarshal([]byte(text+"}"), &c) != nil {
			continue
		}
		s, err := c.NewTail(Overrides{}, rng.IntN(60), []float64{0.3, 1}[rng.IntN(2)])
		if err != nil {
			continue
		}
		x := make([]float32, stateSize)
		NewTorchNoise(1).Normal(x)
		r := NewRun(s, x, 2)
		r.Noise, r.Denoise = NewTorchNoise(2), NewDenoise(smallNetwork[float32], s.Prediction, s.Time, len(x))
		if err := s.Sampler.F32(context.Background(), r); err != nil {
			require.NotContains(t, err.Error(), "sched: sigma", "%s: a schedule that no run takes", text)
			continue
		}
		ran++
	}
	require.Greater(t, ran, 100)
}
