package safetensors

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

func all(t testing.TB, f *File) map[string]*tensor.Tensor {
	m := map[string]*tensor.Tensor{}
	for _, name := range f.Names() {
		v, err := f.Tensor(name)
		require.NoError(t, err)
		m[name] = v
	}
	return m
}

func TestWriteMakesTheReferencesBytes(t *testing.T) {
	want, err := os.ReadFile(dtypesFile)
	require.NoError(t, err)
	f, err := Open(dtypesFile)
	require.NoError(t, err)
	defer f.Close()
	var b bytes.Buffer
	require.NoError(t, Write(&b, all(t, f), f.Metadata()))
	require.Equal(t, string(want), b.String())
}

func TestWriteNothing(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, Write(&b, nil, nil))
	require.Equal(t, "\x08\x00\x00\x00\x00\x00\x00\x00{}      ", b.String())
}

func TestWriteGathersViews(t *testing.T) {
	v, err := tensor.FromSlice([]float32{1, 2, 3, 4, 5, 6}, 2, 3)
	require.NoError(t, err)
	v, err = v.Permute(1, 0)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "view.safetensors")
	require.NoError(t, WriteFile(path, map[string]*tensor.Tensor{"v": v}, nil))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	got, err := f.Tensor("v")
	require.NoError(t, err)
	require.Equal(t, tensor.Shape{3, 2}, got.Shape())
	require.Equal(t, []float32{1, 4, 2, 5, 3, 6}, got.Float32s())
}

func TestWriteRefuses(t *testing.T) {
	one := tensor.New(tensor.F32, 1)
	require.ErrorContains(t, Write(&bytes.Buffer{}, map[string]*tensor.Tensor{"__metadata__": one}, nil), "cannot name a tensor")
	require.ErrorContains(t, Write(&bytes.Buffer{}, map[string]*tensor.Tensor{"\xff": one}, nil), "cannot name a tensor")
	require.ErrorContains(t, Write(&bytes.Buffer{}, nil, map[string]string{"k": "\xff"}), "not UTF-8")
}

type fullDisk struct{ left int }

var errFull = errors.New("disk full")

func (d *fullDisk) Write(b []byte) (int, error) {
	if d.left -= len(b); d.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestWriteReportsTheDisk(t *testing.T) {
	m := map[string]*tensor.Tensor{"w": tensor.New(tensor.F32, 100)}
	require.ErrorIs(t, Write(&fullDisk{10}, m, nil), errFull)
	err := Write(&fullDisk{200}, m, nil)
	require.ErrorIs(t, err, errFull)
	require.ErrorContains(t, err, `tensor "w"`)
}

func TestWriteFileIsWholeOrAbsent(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "w.safetensors")
	require.NoError(t, os.WriteFile(path, []byte("before"), 0o644))
	require.Error(t, WriteFile(path, map[string]*tensor.Tensor{"\xff": tensor.New(tensor.F32, 1)}, nil))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "before", string(got))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
}

func TestWriteStreams(t *testing.T) {
	stream := func(parts ...string) Stream {
		return Stream{DType: tensor.U8, Shape: tensor.Shape{4}, Write: func(w io.Writer) error {
			for _, p := range parts {
				if _, err := io.WriteString(w, p); err != nil {
					return err
				}
			}
			return nil
		}}
	}
	var b bytes.Buffer
	require.NoError(t, WriteStreams(&b, map[string]Stream{"x": stream("ab", "cd")}, nil))
	require.Equal(t, "abcd", string(b.Bytes()[b.Len()-4:]))
	err := WriteStreams(io.Discard, map[string]Stream{"x": stream("abc")}, nil)
	require.ErrorContains(t, err, `tensor "x": 3 bytes were written, its shape takes 4`)
}
