package picturetest

import (
	"context"
	"fmt"
	"image"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// The bounds of the comparison with the reference in float32, relative in the
// L2 norm. Guidance amplifies what the networks' own errors are.
const (
	embeddingBound = 1e-5
	latentBound    = 1e-4
	noiseBound     = 1e-6
	// Timesteps between whole numbers come from logarithms of sigmas in
	// float32, of which the last bit is the reference's machine's.
	timestepBound = 5e-7
)

// Run makes every picture of a folder of pictures.py and compares everything
// on the way with the reference.
func Run(t *testing.T, p *sdxl.Pipeline, folder string) {
	for _, name := range golden.NamesIn(t, folder) {
		t.Run(name, func(t *testing.T) { compare(t, p, folder, name) })
	}
}

func compare(t *testing.T, p *sdxl.Pipeline, folder, name string) {
	c := ReadCase(t, folder, name)
	o := c.Options(t, folder)
	o.Trace = make(map[string]*tensor.Tensor)
	result, err := p.Generate(context.Background(), o)
	require.NoError(t, err)
	for key, want := range golden.Tensors(t, filepath.Join(folder, name+".safetensors")) {
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
			bound = embeddingBound
			g = g[:len(w)] // the reference repeats it for the batch
		}
		require.Less(t, golden.RelErr(g, w), bound, key)
	}
	require.NotEmpty(t, result.Images)
	for i, img := range result.Images {
		requireSame(t, ReadPNG(t, filepath.Join(folder, fmt.Sprintf("%s-%d.png", name, i+1))), img)
	}
}

// requireSame allows a level of difference.
func requireSame(t *testing.T, want, got image.Image) {
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
