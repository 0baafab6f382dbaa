package lab_test

import (
	"bytes"
	"context"
	"image"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/exact"
	"github.com/df65613c/easel/tensor"
)

// mixtureModel is a Model whose solution is known.
type mixtureModel struct{ exact.Mixture }

func newMixtureModel() mixtureModel {
	return mixtureModel{exact.Mixture{
		{Weight: 2, Mean: []float64{-1, 0.5, 1, 0}, Deviation: 0.6},
		{Weight: 1, Mean: []float64{1, 0, -0.5, 2}, Deviation: 0.8},
	}}
}

func (m mixtureModel) Start() []float32 { return []float32{0.4, -0.9, 1.1, 0.2} }

func (m mixtureModel) Sigmas(schedule string, steps int) ([]float64, error) {
	s, err := sched.DefaultConfig().New(sched.Overrides{Sampler: "euler", Schedule: schedule, Spacing: "linspace"}, steps)
	if err != nil {
		return nil, err
	}
	return s.Sigmas, nil
}

func (m mixtureModel) Run(ctx context.Context, s sched.Sampler, x []float32, sigmas []float64) error {
	return s.F32(ctx, &sched.Run[float32]{X: x, Sigmas: sigmas, Noise: sched.NewTorchNoise(1), FirstOrderLast: true,
		Denoise: func(ctx context.Context, denoised, x []float32, sigma float64) error {
			in, out := make([]float64, len(x)), make([]float64, len(x))
			for i, v := range x {
				in[i] = float64(v)
			}
			if err := m.Denoise(ctx, out, in, sigma); err != nil {
				return err
			}
			for i, v := range out {
				denoised[i] = float32(v)
			}
			return nil
		}})
}

func (m mixtureModel) Decode(_ context.Context, x []float32) (*image.NRGBA, error) {
	img := image.NewNRGBA(image.Rect(0, 0, len(x), 1))
	for i, v := range x {
		img.Pix[4*i], img.Pix[4*i+3] = uint8(min(max(128+60*v, 0), 255)), 255
	}
	return img, nil
}

func named(t *testing.T, names ...string) []sched.Sampler {
	var all []sched.Sampler
	for _, name := range names {
		s, err := sched.SamplerNamed(name)
		require.NoError(t, err)
		all = append(all, s)
	}
	return all
}

func TestCompare(t *testing.T) {
	m := newMixtureModel()
	var said []string
	trials, err := lab.Compare(t.Context(), m, lab.Grid{
		Samplers: named(t, "euler", "heun", "euler_a"), Schedules: []string{"normal", "karras"}, Steps: []int{10, 40},
	}, func(s string) { said = append(said, s) })
	require.NoError(t, err)
	require.Len(t, trials, 12)
	require.Contains(t, said, "reference of 1000 steps")
	require.Contains(t, said, "heun karras 40")
	for i, r := range trials {
		require.NotNil(t, r.Image)
		if r.Sampler == "euler_a" {
			require.Nil(t, r.Latents)
			continue
		}
		if r.Steps == 40 {
			require.Less(t, *r.Latents, *trials[i-1].Latents, "%v", r)
		}
	}
	require.Equal(t, 10, trials[0].Calls)
	require.Equal(t, 19, trials[4].Calls)

	// The reference is the solution: the exact path to the lowest level, and x0 as seen from there.
	sigmas, err := m.Sigmas("karras", 1000)
	require.NoError(t, err)
	x := make([]float64, 4)
	for i, v := range m.Start() {
		x[i] = float64(v) * sigmas[0]
	}
	lowest := sigmas[len(sigmas)-2]
	require.NoError(t, m.Solve(x, sigmas[0], lowest))
	require.NoError(t, m.Denoise(t.Context(), x, slices.Clone(x), lowest))
	heun := make([]float32, 4)
	for i, v := range m.Start() {
		heun[i] = v * float32(sigmas[0])
	}
	fine, err := m.Sigmas("karras", 40)
	require.NoError(t, err)
	require.NoError(t, m.Run(t.Context(), named(t, "heun")[0], heun, fine))
	diff, norm := 0.0, 0.0
	for i, v := range x {
		diff += (v - float64(heun[i])) * (v - float64(heun[i]))
		norm += v * v
	}
	require.InDelta(t, math.Sqrt(diff/norm), *trials[7].Latents, 0.1*math.Sqrt(diff/norm))
}

func TestCompareByCalls(t *testing.T) {
	trials, err := lab.Compare(t.Context(), newMixtureModel(), lab.Grid{
		Samplers: named(t, "euler", "heun", "dpmpp_sde"), Schedules: []string{"karras"}, Steps: []int{21}, Calls: true, Reference: 50,
	}, nil)
	require.NoError(t, err)
	require.Equal(t, []int{21, 11, 11}, []int{trials[0].Steps, trials[1].Steps, trials[2].Steps})
	for _, r := range trials {
		require.Equal(t, 21, r.Calls)
	}
}

func TestCompareFaults(t *testing.T) {
	_, err := lab.Compare(t.Context(), newMixtureModel(), lab.Grid{Samplers: named(t, "euler")}, nil)
	require.ErrorContains(t, err, "nothing to compare")
	_, err = lab.Compare(t.Context(), newMixtureModel(), lab.Grid{Samplers: named(t, "euler"), Schedules: []string{"steep"}, Steps: []int{4}}, nil)
	require.ErrorContains(t, err, `no schedule "steep"; the nearest are`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = lab.Compare(ctx, newMixtureModel(), lab.Grid{Samplers: named(t, "euler"), Schedules: []string{"karras"}, Steps: []int{4}}, nil)
	require.ErrorIs(t, err, context.Canceled)
}

// A step's error falls by one power more than the error of all steps.
func TestTrace(t *testing.T) {
	m := newMixtureModel()
	for name, order := range map[string]float64{"euler": 2, "heun": 3} {
		total := func(steps int) float64 {
			points, err := lab.Trace(t.Context(), m, named(t, name)[0], halving(8, 1, steps), 64)
			require.NoError(t, err)
			require.Len(t, points, steps)
			sum := 0.0
			for _, p := range points {
				sum += *p.Error
			}
			return sum / float64(steps)
		}
		require.InDelta(t, order, math.Log2(total(8)/total(16)), 0.35, name)
	}
	points, err := lab.Trace(t.Context(), m, named(t, "euler")[0], halving(8, 1, 8), 4)
	require.NoError(t, err)
	require.Nil(t, points[7].Curvature)
	for _, p := range points[:7] {
		require.Greater(t, *p.Curvature, 0.0)
		require.Less(t, *p.Curvature, math.Pi)
	}
	_, err = lab.Trace(t.Context(), m, named(t, "euler_a")[0], halving(8, 1, 8), 4)
	require.ErrorContains(t, err, "euler_a adds noise")
}

// halving is noise levels at equal ratios.
func halving(from, to float64, steps int) []float64 {
	out := make([]float64, steps+1)
	for i := range out {
		out[i] = from * math.Pow(to/from, float64(i)/float64(steps))
	}
	return out
}

func TestRecordingReplays(t *testing.T) {
	m, path := newMixtureModel(), filepath.Join(t.TempDir(), "r.safetensors")
	sigmas, err := m.Sigmas("karras", 6)
	require.NoError(t, err)
	for _, s := range named(t, "dpmpp_2m", "heun", "dpmpp_sde", "euler_a", "uni_pc") {
		rec, err := lab.Record(t.Context(), m, s, sigmas)
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, rec.Write(&b))
		require.NoError(t, os.WriteFile(path, b.Bytes(), 0o644))
		read, err := lab.ReadRecording(path)
		require.NoError(t, err)
		require.Equal(t, s.Name, read.Sampler)
		got, err := read.Replay(t.Context(), s)
		require.NoError(t, err)
		require.Equal(t, rec.Latents(), got, s.Name)
		require.Equal(t, rec.Latents(), read.Latents())
		if s.Name != "dpmpp_2m" {
			_, err = read.Replay(t.Context(), named(t, "dpmpp_2m")[0])
			require.ErrorContains(t, err, "dpmpp_2m leaves the recording of "+s.Name+" at call ")
		}
	}
	for text, want := range map[string]string{
		`{"sampler":"euler","sigmas":[2,1],"levels":[2]}`:  "x_000",
		`{"sampler":"euler","sigmas":[2],"levels":[]}`:     "1 sigmas, want some and at least 2",
		`{"sampler":"euler","sigmas":"high","levels":[2]}`: "sigmas",
	} {
		start, err := tensor.FromSlice([]float32{1, 2}, 2)
		require.NoError(t, err)
		tensors := map[string]*tensor.Tensor{"start": start, "latents": start}
		require.NoError(t, safetensors.WriteFile(path, tensors, map[string]string{"easel.recording": text}))
		_, err = lab.ReadRecording(path)
		require.ErrorContains(t, err, path)
		require.ErrorContains(t, err, want)
	}
	require.NoError(t, os.WriteFile(path, []byte("junk"), 0o644))
	_, err = lab.ReadRecording(path)
	require.ErrorContains(t, err, path)
	_, err = lab.ReadRecording("../internal/golden/testdata/a/pictures/default.safetensors")
	require.ErrorContains(t, err, "no recording of a sampler")
}

func TestSpeed(t *testing.T) {
	speeds, rate, err := lab.MeasureSpeed(t.Context(), samplers(t), 64, 4, time.Microsecond)
	require.NoError(t, err)
	require.Len(t, speeds, len(sched.SamplerNames()))
	require.Greater(t, rate, 0.0)
	require.Equal(t, 64*3*4, speeds[0].Bytes)
	for _, s := range speeds {
		require.Greater(t, s.Seconds, 0.0)
	}
	_, _, err = lab.MeasureSpeed(t.Context(), nil, 0, 4, 0)
	require.ErrorContains(t, err, "0 numbers")
}

func TestSigmas(t *testing.T) {
	levels, err := lab.Sigmas(sched.DefaultConfig(), sched.Overrides{Sampler: "euler", Spacing: "linspace"}, []string{"normal", "karras"}, 3)
	require.NoError(t, err)
	table := lab.SigmasTable(levels)
	require.Equal(t, []string{"level", "normal", "karras"}, table.Columns)
	require.Equal(t, []string{"0", "14.61465", "14.61465"}, table.Rows[0])
	require.Equal(t, []string{"3", "0", "0"}, table.Rows[3])
	_, err = lab.Sigmas(sched.DefaultConfig(), sched.Overrides{Sampler: "euler"}, []string{"steep"}, 3)
	require.ErrorContains(t, err, `no schedule "steep"`)
}

func TestReportHoldsEverything(t *testing.T) {
	f := lab.Figure{Title: "a < b", X: "x", Y: "y", LogY: true}
	f.Add("one", 1, 2)
	f.Add("one", 2, 0) // has no logarithm
	f.Add("one", 3, 1)
	require.Len(t, f.Lines[0].Points, 2)
	img, err := newMixtureModel().Decode(t.Context(), []float32{0, 1})
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, lab.Report{
		Title: "T <script>", Command: "easel lab", Table: lab.Table{Columns: []string{"a"}, Rows: [][]string{{"<b>"}}},
		Figures: []lab.Figure{f}, Images: []image.Image{img},
	}.Write(&b))
	page := b.String()
	for _, want := range []string{"T &lt;script&gt;", "&lt;b&gt;", "<svg", "src=\"data:image/png;base64,"} {
		require.Contains(t, page, want)
	}
	for _, reaches := range []string{"<script", "<link", "src=\"http", "<?xml"} {
		require.NotContains(t, page, reaches)
	}
	require.False(t, slices.Contains(strings.Fields(page), "url("))
}
