package sdxl_test

import (
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// The bounds of the comparison with the reference in float32, relative in the
// L2 norm. Guidance amplifies what the networks' own errors are.
const (
	networkBound = 1e-5
	latentBound  = 1e-4
	noiseBound   = 1e-6
	// Timesteps between whole numbers come from logarithms of sigmas in
	// float32, of which the last bit is the reference's machine's.
	timestepBound = 5e-7
)

func open(t testing.TB, path string, opts sdxl.OpenOptions) *sdxl.Model {
	m, err := sdxl.Open(path, opts)
	require.NoError(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

func backend(t testing.TB, threads int) nn.Backend {
	b := cpu.New(cpu.Options{Threads: threads})
	t.Cleanup(func() { b.Close() })
	return b
}

// TestNetworks compares the networks and their modules with the reference.
func TestNetworks(t *testing.T) {
	b := backend(t, 0)
	for _, model := range golden.Models {
		m := open(t, golden.Path(model, "model"), sdxl.OpenOptions{})
		for _, name := range golden.Names(t, model, "parts") {
			t.Run(model+"/"+name, func(t *testing.T) {
				ref := golden.Tensors(t, golden.Path(model, "parts", name+".safetensors"))
				var taps []string
				for key := range ref {
					if tap, ok := strings.CutPrefix(key, "tap."); ok {
						taps = append(taps, tap)
					}
				}
				graph := ""
				for _, g := range sdxl.GraphNames {
					if strings.HasPrefix(name, g) {
						graph = g
					}
				}
				out, err := m.RunGraph(context.Background(), b, graph, ref, taps)
				require.NoError(t, err)
				require.GreaterOrEqual(t, len(out), 1+len(taps))
				for key, got := range out {
					want := ref[key]
					if want == nil {
						want = ref["tap."+key]
					}
					require.NotNil(t, want, "no reference for %s", key)
					g, w := got.Float32s(), want.Float32s()
					if strings.HasPrefix(graph, "clip") && ref["tap."+key] != nil {
						g = g[:len(w)] // the modules' references are of the first text
					}
					require.Less(t, golden.RelErr(g, w), networkBound, key)
				}
			})
		}
	}
}

func options(t testing.TB, model string, c golden.Case) sdxl.Options {
	o := sdxl.Options{
		Prompt: c.Prompt, Negative: c.Negative, Width: c.Width, Height: c.Height, Steps: &c.Steps, CFG: c.CFG, Seed: &c.Seed, Batch: c.Batch,
		Sampler: c.Sampler, Schedule: c.Schedule, Spacing: c.Spacing, Strength: c.Strength,
	}
	size := func(v *[2]int) *sdxl.Size {
		if v == nil {
			return nil
		}
		return &sdxl.Size{Width: v[0], Height: v[1]}
	}
	o.OriginalSize, o.TargetSize = size(c.Original), size(c.Target)
	if c.Crop != nil {
		o.Crop = image.Pt(c.Crop[0], c.Crop[1])
	}
	if c.Image {
		o.Image = readPNG(t, golden.Path(model, "pictures", "input.png"))
	}
	return o
}

func readPNG(t testing.TB, path string) image.Image {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	return img
}

// TestPictures makes the reference's pictures and compares everything on the way.
func TestPictures(t *testing.T) {
	b := backend(t, 0)
	for _, model := range golden.Models {
		m := open(t, golden.Path(model, "model"), sdxl.OpenOptions{})
		for _, name := range golden.Names(t, model, "pictures") {
			t.Run(model+"/"+name, func(t *testing.T) {
				o := options(t, model, golden.ReadCase(t, model, name))
				o.Trace = make(map[string]*tensor.Tensor)
				result, err := (&sdxl.Pipeline{Model: m, Backend: b}).Generate(context.Background(), o)
				require.NoError(t, err)
				for key, want := range golden.Tensors(t, golden.Path(model, "pictures", name+".safetensors")) {
					got := o.Trace[key]
					require.NotNil(t, got, "the trace has no %s", key)
					g, w := got.Float32s(), want.Float32s()
					bound := latentBound
					switch {
					case key == "noise" || key == "sigmas":
						bound = noiseBound
					case key == "timesteps":
						bound = timestepBound
					case strings.Contains(key, "embeds") || strings.Contains(key, "pooled"):
						bound = networkBound
						g = g[:len(w)] // the reference repeats it for the batch
					}
					require.Less(t, golden.RelErr(g, w), bound, key)
				}
				require.NotEmpty(t, result.Images)
				for i, img := range result.Images {
					requireSamePicture(t, readPNG(t, golden.Path(model, "pictures", fmt.Sprintf("%s-%d.png", name, i+1))), img)
				}
			})
		}
	}
}

// requireSamePicture allows a level of difference.
func requireSamePicture(t *testing.T, want, got image.Image) {
	require.Equal(t, want.Bounds(), got.Bounds())
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			r0, g0, b0, _ := want.At(x, y).RGBA()
			r1, g1, b1, _ := got.At(x, y).RGBA()
			for _, d := range []int{int(r0>>8) - int(r1>>8), int(g0>>8) - int(g1>>8), int(b0>>8) - int(b1>>8)} {
				require.LessOrEqual(t, max(d, -d), 1, "pixel %d, %d", x, y)
			}
		}
	}
}
