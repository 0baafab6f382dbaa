package safetensors

import (
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

const dtypesFile = "testdata/dtypes.safetensors"

// streamFS hides all of its files but reading from start to end.
type streamFS struct{ fs.FS }

type stream struct{ fs.File }

func (s streamFS) Open(name string) (fs.File, error) {
	f, err := s.FS.Open(name)
	return stream{f}, err
}

// openers opens the same file in every way that the package has.
func openers(t testing.TB, path string) map[string]func() (*File, error) {
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	dir, base := filepath.Split(path)
	memory := fstest.MapFS{base: {Data: data}}
	return map[string]func() (*File, error){
		"Open":            func() (*File, error) { return Open(path) },
		"OpenFS system":   func() (*File, error) { return OpenFS(os.DirFS(filepath.Clean(dir)), base) },
		"OpenFS ReaderAt": func() (*File, error) { return OpenFS(memory, base) },
		"OpenFS stream":   func() (*File, error) { return OpenFS(streamFS{memory}, base) },
		"OpenReaderAt": func() (*File, error) {
			return OpenReaderAt(bytes.NewReader(data), int64(len(data)), base)
		},
	}
}

func TestReadsTheReferencesFile(t *testing.T) {
	for how, open := range openers(t, dtypesFile) {
		t.Run(how, func(t *testing.T) {
			f, err := open()
			require.NoError(t, err)
			defer func() { require.NoError(t, f.Close()) }()
			require.Equal(t, []string{
				"bfloat16", "bool", "complex64", "empty", "float16", "float32", "float4_e2m1fn_x2", "float64",
				"float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu",
				"int16", "int32", "int64", "int8", "odd \"name\" \\ <&> é \x01", "scalar",
				"uint16", "uint32", "uint64", "uint8"}, f.Names())
			require.Equal(t, map[string]string{"format": "pt"}, f.Metadata())

			for _, name := range f.Names() {
				info, ok := f.Info(name)
				require.True(t, ok)
				v, err := f.Tensor(name)
				require.NoError(t, err, name)
				require.Equal(t, info.DType, v.DType(), name)
				require.Equal(t, info.Shape, v.Shape(), name)
				require.EqualValues(t, info.Size, len(v.Bytes()), name)
				switch name {
				case "bool":
					require.Equal(t, []byte{1, 0, 1}, v.Bytes())
				case "empty":
					require.Equal(t, tensor.Shape{0, 4}, v.Shape())
				case "scalar":
					require.Empty(t, v.Shape())
					require.Equal(t, []float32{1.5}, v.Float32s())
				case "odd \"name\" \\ <&> é \x01":
					require.Equal(t, []float32{-1}, v.Float32s())
				default:
					for i, b := range v.Bytes() {
						require.EqualValues(t, i, b, "%s byte %d", name, i)
					}
				}
			}
			_, err = f.Tensor("nothing")
			require.ErrorIs(t, err, os.ErrNotExist)
			require.ErrorContains(t, err, `tensor "nothing"`)
			_, ok := f.Info("nothing")
			require.False(t, ok)
		})
	}
}

func TestTensorOfMappedFileIsAView(t *testing.T) {
	f, err := Open(dtypesFile)
	require.NoError(t, err)
	defer f.Close()
	a, err := f.Tensor("float64")
	require.NoError(t, err)
	b, err := f.Tensor("float64")
	require.NoError(t, err)
	require.Same(t, &a.Bytes()[0], &b.Bytes()[0])
}

func TestUnalignedTensorIsCopied(t *testing.T) {
	data := file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"F32","shape":[2],"data_offsets":[1,9]}}`, 9)
	binary.LittleEndian.PutUint32(data[len(data)-8:], 0x3f800000)
	path := filepath.Join(t.TempDir(), "odd.safetensors")
	require.NoError(t, os.WriteFile(path, data, 0o644))
	for how, open := range openers(t, path) {
		f, err := open()
		require.NoError(t, err, how)
		b, err := f.Tensor("b")
		require.NoError(t, err, how)
		require.Equal(t, []float32{1, 0}, b.Float32s(), how)
		require.NoError(t, f.Close())
	}
}

func TestClosedFile(t *testing.T) {
	for how, open := range openers(t, dtypesFile) {
		f, err := open()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.NoError(t, f.Close())
		_, err = f.Tensor("scalar")
		require.ErrorIs(t, err, os.ErrClosed, how)
	}
}

func TestConcurrentReads(t *testing.T) {
	for how, open := range openers(t, dtypesFile) {
		f, err := open()
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for _, name := range f.Names() {
					if _, err := f.Tensor(name); err != nil {
						t.Error(how, err)
					}
				}
			})
		}
		wg.Wait()
		require.NoError(t, f.Close())
	}
}

func TestReaderThatEndsEarly(t *testing.T) {
	data := file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8)
	f, err := OpenReaderAt(bytes.NewReader(data[:len(data)-1]), int64(len(data)), "short")
	require.NoError(t, err, "the header is whole")
	_, err = f.Tensor("a")
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.ErrorContains(t, err, `short: tensor "a"`)
}

func TestOpenNamesThePath(t *testing.T) {
	_, err := Open("testdata/none.safetensors")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "none.safetensors")
	_, err = Open("testdata")
	require.ErrorContains(t, err, "testdata: no regular file")
	_, err = OpenFS(os.DirFS("testdata"), "none.safetensors")
	require.ErrorIs(t, err, os.ErrNotExist)
}
