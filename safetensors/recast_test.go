package safetensors

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

func TestRecast(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "in.safetensors")
	x, err := tensor.FromSlice([]float32{1, -0.3333333, 65504, 1e-7, 3e38, 0}, 2, 3)
	require.NoError(t, err)
	small, err := tensor.FromSlice([]float32{1.00390625, 7}, 2)
	require.NoError(t, err)
	ids, err := tensor.FromSlice([]int64{1, 2, 3}, 3)
	require.NoError(t, err)
	require.NoError(t, WriteFile(in, map[string]*tensor.Tensor{"x": x, "small": small, "ids": ids}, map[string]string{"format": "pt"}))
	f, err := Open(in)
	require.NoError(t, err)
	defer f.Close()

	out := filepath.Join(dir, "out.safetensors")
	require.NoError(t, Recast(context.Background(), out, f, tensor.BF16))
	g, err := Open(out)
	require.NoError(t, err)
	defer g.Close()
	require.Equal(t, f.Names(), g.Names())
	require.Equal(t, f.Metadata(), g.Metadata())
	for _, name := range f.Names() {
		want, err := f.Tensor(name)
		require.NoError(t, err)
		got, err := g.Tensor(name)
		require.NoError(t, err)
		if name != "ids" {
			want, err = want.Convert(tensor.BF16)
			require.NoError(t, err)
		}
		require.Equal(t, want.DType(), got.DType())
		require.Equal(t, want.Shape(), got.Shape())
		require.Equal(t, want.Bytes(), got.Bytes(), name)
	}
}

func TestRecastFaults(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.safetensors"), filepath.Join(dir, "out.safetensors")
	x, err := tensor.FromSlice([]float32{1, 70000}, 2)
	require.NoError(t, err)
	require.NoError(t, WriteFile(in, map[string]*tensor.Tensor{"x": x}, nil))
	f, err := Open(in)
	require.NoError(t, err)
	defer f.Close()
	err = Recast(context.Background(), out, f, tensor.F16)
	require.ErrorContains(t, err, "tensor x: 70000 is too large for F16")
	require.ErrorContains(t, Recast(context.Background(), out, f, tensor.I64), "want F32, F16 or BF16")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	require.ErrorIs(t, Recast(ctx, out, f, tensor.BF16), context.Canceled)
	names, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, names, 1, "nothing is left")
}

// TestRecastEveryFloat reads every floating-point type that there is, and writes each that there is to write.
func TestRecastEveryFloat(t *testing.T) {
	dir := t.TempDir()
	x, err := tensor.FromSlice([]float64{1, -0.4375, 28, 1.0 / 3, 0, -224}, 2, 3)
	require.NoError(t, err)
	for _, from := range []tensor.DType{tensor.F64, tensor.F32, tensor.F16, tensor.BF16, tensor.F8E4M3, tensor.F8E5M2} {
		stored, err := x.Convert(from)
		require.NoError(t, err)
		in := filepath.Join(dir, from.String()+".safetensors")
		require.NoError(t, WriteFile(in, map[string]*tensor.Tensor{"x": stored}, nil))
		f, err := Open(in)
		require.NoError(t, err)
		defer f.Close()
		for _, to := range []tensor.DType{tensor.F32, tensor.F16, tensor.BF16} {
			out := filepath.Join(dir, from.String()+"-"+to.String()+".safetensors")
			require.NoError(t, Recast(context.Background(), out, f, to))
			g, err := Open(out)
			require.NoError(t, err)
			defer g.Close()
			got, err := g.Tensor("x")
			require.NoError(t, err)
			want, err := stored.Convert(to)
			require.NoError(t, err)
			require.Equal(t, to, got.DType())
			require.Equal(t, want.Bytes(), got.Bytes(), "%s to %s", from, to)
		}
	}
}

func TestRecastKeepsWhatFits(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.safetensors"), filepath.Join(dir, "out.safetensors")
	x, err := tensor.FromSlice([]float64{1, 1e300}, 2)
	require.NoError(t, err)
	require.NoError(t, WriteFile(in, map[string]*tensor.Tensor{"x": x}, nil))
	f, err := Open(in)
	require.NoError(t, err)
	defer f.Close()
	require.ErrorContains(t, Recast(context.Background(), out, f, tensor.F32), "tensor x: 1e+300 is too large for F32")
	require.NoFileExists(t, out)
}
