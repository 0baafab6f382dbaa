package safetensors

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

// odd is a file of a file system that can only be read in order, and remembers that it was closed.
type odd struct {
	io.Reader
	stat   error
	mode   fs.FileMode
	size   int64
	closed int
}

func (o *odd) Open(string) (fs.File, error) { return o, nil }
func (o *odd) Stat() (fs.FileInfo, error)   { return o, o.stat }
func (o *odd) Close() error                 { o.closed++; return nil }
func (o *odd) Name() string                 { return "x" }
func (o *odd) Size() int64                  { return o.size }
func (o *odd) Mode() fs.FileMode            { return o.mode }
func (o *odd) ModTime() (t time.Time)       { return t }
func (o *odd) IsDir() bool                  { return o.mode.IsDir() }
func (o *odd) Sys() any                     { return nil }

// TestFilesOfFileSystems: one that can only be read in order is read, and each is closed, whatever
// is wrong with it.
func TestFilesOfFileSystems(t *testing.T) {
	var good bytes.Buffer
	require.NoError(t, Write(&good, map[string]*tensor.Tensor{"x": tensor.New(tensor.F32, 2)}, nil))
	broken := errors.New("broken")
	for _, c := range []struct {
		file *odd
		want string
	}{
		{&odd{Reader: bytes.NewReader(good.Bytes()), size: int64(good.Len())}, ""},
		{&odd{Reader: bytes.NewReader(good.Bytes()), size: 3}, ""}, // what it says is not what it has
		{&odd{Reader: bytes.NewReader(good.Bytes()), stat: broken}, "broken"},
		{&odd{mode: fs.ModeDir}, "no regular file"},
		{&odd{Reader: io.MultiReader(bytes.NewReader(good.Bytes()), broke{broken})}, "reading x: broken"},
		{&odd{Reader: bytes.NewReader(good.Bytes()[:good.Len()-1])}, "x"},
	} {
		f, err := OpenFS(c.file, "x")
		if c.want == "" {
			require.NoError(t, err)
			x, err := f.Tensor("x")
			require.NoError(t, err)
			require.Equal(t, []float32{0, 0}, x.Float32s())
			require.NoError(t, f.Close())
		} else {
			require.ErrorContains(t, err, c.want)
		}
		require.Positive(t, c.file.closed, c.want)
	}
	_, err := OpenFS(fstest.MapFS{}, "x")
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// broke is a reader that fails.
type broke struct{ error }

func (b broke) Read([]byte) (int, error) { return 0, b.error }

// TestNoFileIsLeftOpen: neither by one that is mapped, nor by one that is refused.
func TestNoFileIsLeftOpen(t *testing.T) {
	handles := func() int {
		list, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("this system does not tell")
		}
		return len(list)
	}
	dir := t.TempDir()
	good, bad := filepath.Join(dir, "good"), filepath.Join(dir, "bad")
	require.NoError(t, WriteFile(good, map[string]*tensor.Tensor{"x": tensor.New(tensor.F32, 2)}, nil))
	require.NoError(t, os.WriteFile(bad, []byte("no tensors in it"), 0o600))
	before := handles()
	for range 50 {
		f, err := Open(good)
		require.NoError(t, err)
		if canMap {
			defer f.Close() // which is mapped, and takes no handle
		} else {
			require.NoError(t, f.Close())
		}
		_, err = Open(bad)
		require.Error(t, err)
		_, err = Open(dir)
		require.Error(t, err)
		_, err = OpenIndexed(good, func(io.ReaderAt, int64) (*Index, error) { return nil, errors.New("broken") })
		require.Error(t, err)
	}
	require.Less(t, handles(), before+25)
}
