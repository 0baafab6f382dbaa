package sdxl_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// adapterCase is a case of internal/golden/gen/adapter_refs.py.
type adapterCase struct {
	Name     string
	Seed     int64
	Adapters []sdxl.Adapter
}

func adapterCases(t *testing.T) (list []adapterCase) {
	data, err := os.ReadFile(golden.Path("adapters", "adapters.json"))
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(data, &list))
	return list
}

func adapterLibrary(t testing.TB) *adapt.Library {
	l := &adapt.Library{Dir: golden.Path("adapters")}
	t.Cleanup(func() { l.Close() })
	return l
}

func (c *adapterCase) options() sdxl.Options {
	return sdxl.Options{Prompt: "a red circle", Steps: new(3), CFG: new(4.0), Seed: &c.Seed, Width: 64, Height: 64, Adapters: c.Adapters, Trace: map[string]*tensor.Tensor{}}
}

// TestAdapters compares latents after each step with those of diffusers, PEFT and LyCORIS.
func TestAdapters(t *testing.T) {
	m, b := open(t, golden.Path("c", "model"), sdxl.OpenOptions{}), backend(t, 0)
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Adapters: adapterLibrary(t)})
	defer pipe.Close()
	want := golden.Tensors(t, golden.Path("adapters", "latents.safetensors"))
	cases := adapterCases(t)
	require.Len(t, want, len(cases))
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			o := c.options()
			_, err := pipe.Generate(t.Context(), o)
			require.NoError(t, err)
			steps := want[c.Name].Float32s()
			size := len(steps) / *o.Steps
			for i := range *o.Steps {
				got := o.Trace[fmt.Sprintf("latents_%03d", i)].Float32s()
				require.Less(t, golden.RelErr(got, steps[i*size:][:size]), 1e-4, "after step %d", i)
			}
			o.Adapters, o.Trace = nil, map[string]*tensor.Tensor{}
			_, err = pipe.Generate(t.Context(), o)
			require.NoError(t, err)
			require.Greater(t, golden.RelErr(o.Trace["latents"].Float32s(), steps[len(steps)-size:]), 1e-3, "no effect")
		})
	}
}

// recorded keeps the weights that a network asks for.
type recorded struct {
	layers.Weights
	by map[string]*nn.Weight
}

func (r recorded) Weight(name string, shape ...int) *nn.Weight {
	w := r.Weights.Weight(name, shape...)
	r.by[name] = w
	return w
}

// TestDeltas compares what adapters add to weights with what their own libraries add.
func TestDeltas(t *testing.T) {
	m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{})
	list, err := m.AdapterTargets()
	require.NoError(t, err)
	targets, library := adapt.NewTargets(list), adapterLibrary(t)
	for _, c := range adapterCases(t) {
		if len(c.Adapters) != 1 {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			f, err := library.Open(c.Adapters[0].Name)
			require.NoError(t, err)
			fit, err := f.Fit(targets)
			require.NoError(t, err)
			require.NoError(t, fit.Err())
			set := adapt.NewSet([]adapt.Use{{Fitted: fit, UNet: *c.Adapters[0].Weight}})
			plain, changed := recorded{by: map[string]*nn.Weight{}}, recorded{by: map[string]*nn.Weight{}}
			u := m.UNet.With(func(w layers.Weights) layers.Weights { plain.Weights = w; return plain })
			u = u.With(func(w layers.Weights) layers.Weights { changed.Weights = set.Weights("unet", w); return changed })
			_, err = u.Graph(unet.Shape{Batch: 1, Height: 8, Width: 8, Tokens: 77})
			require.NoError(t, err)
			want := golden.Tensors(t, golden.Path("adapters", c.Name+"-deltas.safetensors"))
			require.NotEmpty(t, want)
			for key, delta := range want {
				name := strings.TrimPrefix(key, "unet/")
				before, err := weights.Values(t.Context(), plain.by[name])
				require.NoError(t, err)
				after, err := weights.Values(t.Context(), changed.by[name])
				require.NoError(t, err)
				for i := range after {
					after[i] -= before[i]
				}
				require.Less(t, golden.RelErr(after, delta.Float32s()), 1e-5, key)
			}
		})
	}
}

// TestWithoutAdapters: what was before an adapter is after it, byte by byte, and a
// weight of 0 is no adapter.
func TestWithoutAdapters(t *testing.T) {
	m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{})
	for _, precision := range []nn.Precision{nn.F32, nn.BF16, nn.Int8} {
		b := cpu.New(cpu.Options{Precision: precision})
		defer b.Close()
		pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Adapters: adapterLibrary(t)})
		defer pipe.Close()
		run := func(adapters ...sdxl.Adapter) []byte {
			o := (&adapterCase{Seed: 5, Adapters: adapters}).options()
			_, err := pipe.Generate(t.Context(), o)
			require.NoError(t, err)
			return o.Trace["latents"].Bytes()
		}
		plain := run()
		half := sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.5)}
		changed := run(half)
		require.NotEqual(t, plain, changed)
		require.Equal(t, plain, run())
		require.Equal(t, plain, run(sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.0)}))
		require.Equal(t, changed, run(half))
		require.NotEqual(t, changed, run(sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.5), TextWeight: new(0.0)}))
		require.NotEqual(t, changed, run(sdxl.Adapter{Name: "kohya-sgm", Weight: new(0.5), Blocks: []sdxl.AdapterBlock{{Name: "mid_block", Weight: 0}}}))
	}
}
