package safetensors

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
)

// misaligned returns a file whose numbers lie at odd addresses.
func misaligned() []byte {
	header := []byte(`{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`)
	for len(header)%2 == 0 {
		header = append(header, ' ')
	}
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	b = append(b, header...)
	return append(b, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40)
}

// countingReader counts reads, and fails those before the n-th tensor is asked for.
type countingReader struct {
	io.ReaderAt
	reads, faults atomic.Int64
}

func (r *countingReader) ReadAt(b []byte, off int64) (int, error) {
	r.reads.Add(1)
	if r.faults.Add(-1) >= 0 {
		return 0, errors.New("the disk is away")
	}
	return r.ReaderAt.ReadAt(b, off)
}

func TestMappedTellsViewsFromCopies(t *testing.T) {
	path := filepath.Join(t.TempDir(), "odd.safetensors")
	require.NoError(t, os.WriteFile(path, misaligned(), 0o600))
	odd, err := Open(path)
	require.NoError(t, err)
	defer odd.Close()
	require.False(t, odd.Mapped("x"), "misaligned")
	require.False(t, odd.Mapped("nothing"))
	behind, err := OpenReaderAt(bytes.NewReader(misaligned()), int64(len(misaligned())), "r")
	require.NoError(t, err)
	require.False(t, behind.Mapped("x"))
	plain, err := Open(dtypesFile)
	require.NoError(t, err)
	require.Equal(t, canMap, plain.Mapped("float64"))
	require.NoError(t, plain.Close())
	require.False(t, plain.Mapped("float64"), "closed")
}

func TestCopiesAreSharedWhileInUse(t *testing.T) {
	data := misaligned()
	r := &countingReader{ReaderAt: bytes.NewReader(data)}
	f, err := OpenReaderAt(r, int64(len(data)), "r")
	require.NoError(t, err)
	opened := r.reads.Load()
	r.faults.Store(1)
	_, err = f.Tensor("x")
	require.ErrorContains(t, err, "the disk is away")

	first, err := f.Tensor("x")
	require.NoError(t, err, "a fault is not kept")
	require.Equal(t, []float32{1, 2}, first.Float32s())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			x, err := f.Tensor("x")
			if err != nil || unsafe.SliceData(x.Bytes()) != unsafe.SliceData(first.Bytes()) {
				t.Error("another copy", err)
			}
		})
	}
	all.Wait()
	require.Equal(t, opened+2, r.reads.Load())
	runtime.KeepAlive(first)

	for range 3 { // the copy goes when nobody uses it
		runtime.GC()
	}
	again, err := f.Tensor("x")
	require.NoError(t, err)
	require.Equal(t, []float32{1, 2}, again.Float32s())
	require.Equal(t, opened+3, r.reads.Load())
}
