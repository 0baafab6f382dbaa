package quantised_test

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/safetensors/quantised"
	"github.com/df65613c/easel/tensor"
)

// normal returns a tensor of numbers from a normal distribution, some of its rows zeros.
func normal(t *testing.T, dt tensor.DType, shape ...int) *tensor.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	x := tensor.New(tensor.F32, shape...)
	k := x.NumElements() / shape[0]
	for i := range x.Float32s() {
		if i/k != 1 {
			x.Float32s()[i] = float32(r.NormFloat64() * 0.03)
		}
	}
	x, err := x.Convert(dt)
	require.NoError(t, err)
	return x
}

func write(t *testing.T, tensors map[string]*tensor.Tensor) *safetensors.File {
	path := filepath.Join(t.TempDir(), "in.safetensors")
	require.NoError(t, safetensors.WriteFile(path, tensors, map[string]string{"format": "pt"}))
	f, err := safetensors.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

func get(t *testing.T, f *safetensors.File, name string) *tensor.Tensor {
	x, err := f.Tensor(name)
	require.NoError(t, err)
	return x
}

// values returns what a quantised tensor stands for.
func values(t *testing.T, f *safetensors.File, name string) []float32 {
	x, s := get(t, f, name), get(t, f, name+"_scale")
	n, k := x.Shape()[0], x.NumElements()/x.Shape()[0]
	var scales convert.Scales
	var err error
	if s.DType() == tensor.F32 {
		scales.Rows = s.Float32s()
	} else {
		scales.Blocks, err = tensor.Data[uint16](s)
		require.NoError(t, err)
	}
	format := map[tensor.DType]convert.Format{tensor.I8: convert.I8, tensor.F4: convert.F4}[x.DType()]
	v := make([]float32, n*k)
	for i := range n {
		scales.Row(v[i*k:][:k], unsafe.Pointer(&x.Bytes()[0]), format, k, i, 0)
	}
	return v
}

func TestWrite(t *testing.T) {
	in := map[string]*tensor.Tensor{
		"to_q.weight":            normal(t, tensor.F16, 64, 96),
		"conv.weight":            normal(t, tensor.BF16, 20, 32, 3, 3),
		"long.weight":            normal(t, tensor.F32, 3, 70016), // rows longer than a stretch
		"narrow.weight":          normal(t, tensor.F16, 100, 40),
		"to_q.bias":              normal(t, tensor.F16, 64),
		"token_embedding.weight": normal(t, tensor.F16, 64, 96),
		"in_proj_weight":         normal(t, tensor.F32, 96, 32),
	}
	f := write(t, in)
	want := []string{"conv.weight", "in_proj_weight", "long.weight", "to_q.weight"}
	require.Equal(t, want, quantised.Names(f))
	require.Empty(t, quantised.Of(f))
	for scheme, c := range map[quantised.Scheme]struct {
		dtype tensor.DType
		most  float64 // relative rms error
	}{
		quantised.Int8: {tensor.I8, 0.012}, // 4.4 deviations in a row of 70016: 4.4/127/sqrt(12)
		quantised.Q8:   {tensor.I8, 0.006},
		quantised.Q4:   {tensor.F4, 0.12},
	} {
		t.Run(string(scheme), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "out.safetensors")
			require.NoError(t, quantised.Write(t.Context(), path, f, scheme))
			g, err := safetensors.Open(path)
			require.NoError(t, err)
			defer g.Close()
			require.Equal(t, map[string]string{"format": "pt", "quantised": string(scheme)}, g.Metadata())
			require.Equal(t, scheme, quantised.Of(g))
			require.Len(t, g.Names(), len(in)+len(want))
			for name, x := range in {
				y := get(t, g, name)
				require.Equal(t, x.Shape(), y.Shape())
				if _, ok := g.Info(name + "_scale"); !ok {
					require.Equal(t, x.Bytes(), y.Bytes(), name)
					continue
				}
				require.Equal(t, c.dtype, y.DType())
				x, err := x.Convert(tensor.F32)
				require.NoError(t, err)
				var fault, norm float64
				for i, v := range values(t, g, name) {
					w := float64(x.Float32s()[i])
					fault += (float64(v) - w) * (float64(v) - w)
					norm += w * w
				}
				relative := math.Sqrt(fault / norm)
				t.Logf("%s: %.4f", name, relative)
				require.Less(t, relative, c.most, name)
				require.Greater(t, relative, c.most/5, name)
			}
			err = quantised.Write(t.Context(), filepath.Join(t.TempDir(), "twice"), g, quantised.Q4)
			require.ErrorContains(t, err, "quantised already ("+string(scheme)+")")
		})
	}
}

func TestNumbersThatAreExact(t *testing.T) {
	x := tensor.New(tensor.F32, 32, 32)
	for i := range x.Float32s() {
		x.Float32s()[i] = []float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.5, -1, -1.5, -2, -3, -4, -6}[i%32%15] / 4
	}
	f := write(t, map[string]*tensor.Tensor{"x.weight": x})
	path := filepath.Join(t.TempDir(), "out.safetensors")
	require.NoError(t, quantised.Write(t.Context(), path, f, quantised.Q4))
	g, err := safetensors.Open(path)
	require.NoError(t, err)
	defer g.Close()
	require.Equal(t, x.Float32s(), values(t, g, "x.weight"))
}

func TestFaults(t *testing.T) {
	bad := normal(t, tensor.F32, 64, 64)
	bad.Float32s()[70] = float32(math.NaN())
	good := normal(t, tensor.F32, 64, 64)
	out := filepath.Join(t.TempDir(), "out.safetensors")
	require.ErrorContains(t, quantised.Write(t.Context(), out, write(t, map[string]*tensor.Tensor{"x.weight": bad}), quantised.Int8), "tensor x.weight: NaN cannot be quantised")
	err := quantised.Write(t.Context(), out, write(t, map[string]*tensor.Tensor{"x.weight": good, "x.weight_scale": good}), quantised.Int8)
	require.ErrorContains(t, err, "x.weight_scale is in the way")
	f := write(t, map[string]*tensor.Tensor{"x.weight": good})
	require.ErrorContains(t, quantised.Write(t.Context(), out, f, "q3"), "[int8 q8 q4]")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, quantised.Write(ctx, out, f, quantised.Q8), context.Canceled)
	entries, err := os.ReadDir(filepath.Dir(out))
	require.NoError(t, err)
	require.Empty(t, entries)
}

// TestEveryFloatIsQuantised: a weight of any floating-point type becomes what the
// same numbers in float32 become.
func TestEveryFloatIsQuantised(t *testing.T) {
	for _, dt := range []tensor.DType{tensor.F64, tensor.F16, tensor.BF16, tensor.F8E4M3, tensor.F8E5M2} {
		stored := normal(t, dt, 32, 64)
		wide, err := stored.Convert(tensor.F32)
		require.NoError(t, err)
		for _, scheme := range quantised.Schemes() {
			var files []*safetensors.File
			for _, x := range []*tensor.Tensor{stored, wide} {
				out := filepath.Join(t.TempDir(), "out.safetensors")
				require.NoError(t, quantised.Write(context.Background(), out, write(t, map[string]*tensor.Tensor{"x.weight": x}), scheme))
				f, err := safetensors.Open(out)
				require.NoError(t, err)
				defer f.Close()
				files = append(files, f)
			}
			for _, name := range []string{"x.weight", "x.weight_scale"} {
				require.Equal(t, get(t, files[1], name).Bytes(), get(t, files[0], name).Bytes(), "%s %s %s", dt, scheme, name)
			}
		}
	}
}
