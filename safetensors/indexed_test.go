package safetensors

import (
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

// TestBoundsOfIndexed: tensors of a file in another format that end with it, and one
// element or byte further.
func TestBoundsOfIndexed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, []byte("0123456789abcdefghij"), 0o600))
	for _, c := range []struct {
		info Info
		want string
	}{
		{Info{DType: tensor.F32, Shape: tensor.Shape{4}, Offset: 4, Size: 16}, ""},
		{Info{DType: tensor.F32, Shape: tensor.Shape{4}, Offset: 5, Size: 16}, "has 16 bytes from 5 on, but the file ends at 20"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{5}, Offset: 4, Size: 20}, "has 20 bytes from 4 on"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{4}, Offset: 0, Size: 12}, "has 12 bytes, but its dtype F32 and shape [4] take 16"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{4}, Offset: 0, Size: 20}, "has 20 bytes, but its dtype F32"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{0}, Offset: 20}, ""},
		{Info{DType: tensor.F32, Shape: tensor.Shape{0}, Offset: 21}, "has 0 bytes from 21 on"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{0}, Offset: -1}, "has 0 bytes from -1 on"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{2}, Strides: []int{4}, Size: 20}, ""},
		{Info{DType: tensor.F32, Shape: tensor.Shape{2}, Strides: []int{5}, Size: 20}, "tensor \"x\""},
		{Info{DType: tensor.F32, Shape: tensor.Shape{2}, Strides: []int{1}, Size: 24}, "has 24 bytes from 0 on"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{2}, Strides: []int{1}, Size: -1}, "has -1 bytes from 0 on"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{math.MaxInt, 2}, Size: 16}, "a shape of 2 axes overflows"},
		{Info{DType: tensor.F32, Shape: tensor.Shape{math.MaxInt}, Size: 16}, "tensor \"x\""},
	} {
		f, err := OpenIndexed(path, func(r io.ReaderAt, size int64) (*Index, error) {
			require.Equal(t, int64(20), size)
			return &Index{Tensors: map[string]Info{"x": c.info}, Metadata: map[string]string{"a": "b"}}, nil
		})
		if c.want != "" {
			require.ErrorContains(t, err, c.want, "%+v", c.info)
			require.ErrorContains(t, err, path)
			continue
		}
		require.NoError(t, err, "%+v", c.info)
		x, err := f.Tensor("x")
		require.NoError(t, err)
		require.Equal(t, c.info.Shape, x.Shape())
		require.Equal(t, map[string]string{"a": "b"}, f.Metadata())
		require.NoError(t, f.Close())
	}
	broken := errors.New("broken")
	_, err := OpenIndexed(path, func(io.ReaderAt, int64) (*Index, error) { return nil, broken })
	require.ErrorIs(t, err, broken)
	_, err = OpenIndexed(path, func(r io.ReaderAt, _ int64) (*Index, error) {
		b := make([]byte, 4)
		n, err := r.ReadAt(b, 16)
		require.NoError(t, err)
		require.Equal(t, "ghij", string(b[:n]))
		n, err = r.ReadAt(b, 17)
		require.ErrorIs(t, err, io.EOF)
		require.Equal(t, "hij", string(b[:n]))
		for _, off := range []int64{-1, 20, 21} {
			n, err = r.ReadAt(b, off)
			require.ErrorIs(t, err, io.EOF)
			require.Zero(t, n)
		}
		return nil, broken
	})
	require.ErrorIs(t, err, broken)
}

// TestWriteFaults: an error of a tensor, of its bytes and of the writer stops the writing, and each
// is told.
func TestWriteFaults(t *testing.T) {
	broken := errors.New("broken")
	write := func(n int, err error) func(io.Writer) error {
		return func(w io.Writer) error {
			if _, failed := w.Write(make([]byte, n)); failed != nil {
				return failed
			}
			return err
		}
	}
	for _, c := range []struct {
		stream Stream
		want   string
	}{
		{Stream{tensor.F32, tensor.Shape{2}, write(8, nil)}, ""},
		{Stream{tensor.F32, tensor.Shape{2}, write(7, nil)}, "7 bytes were written, its shape takes 8"},
		{Stream{tensor.F32, tensor.Shape{2}, write(9, nil)}, "9 bytes were written, its shape takes 8"},
		{Stream{tensor.F32, tensor.Shape{2}, write(8, broken)}, "broken"},
		{Stream{tensor.F32, tensor.Shape{math.MaxInt / 2}, write(8, nil)}, `tensor "x"`},
	} {
		err := WriteStreams(io.Discard, map[string]Stream{"x": c.stream}, nil)
		if c.want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, c.want)
		}
	}
}
