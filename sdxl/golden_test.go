package sdxl_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/golden/picturetest"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

// networkBound is relative, in the L2 norm.
const networkBound = 1e-5

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
				for _, g := range sdxl.GraphNames() {
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

// TestPictures makes the reference's pictures and compares everything on the way.
func TestPictures(t *testing.T) {
	b := backend(t, 0)
	for _, model := range golden.Models {
		m := open(t, golden.Path(model, "model"), sdxl.OpenOptions{})
		t.Run(model, func(t *testing.T) {
			picturetest.Run(t, sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}), golden.Path(model, "pictures"))
		})
	}
}
