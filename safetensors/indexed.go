package safetensors

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/df65613c/easel/tensor"
)

// Index says what is in a file of another format: where its tensors lie, and
// its metadata.
type Index struct {
	Tensors  map[string]Info
	Metadata map[string]string
}

// OpenIndexed opens a file of another format in which tensors lie as plain
// bytes, such as GGUF. read finds where they lie. It is called once, with the
// file and its size in bytes. Tensors may overlap, and have strides. One that
// does not lie within the file is an error.
func OpenIndexed(path string, read func(file io.ReaderAt, size int64) (*Index, error)) (*File, error) {
	s, err := openSource(path)
	if err != nil {
		return nil, err
	}
	f := &File{name: path, infos: map[string]Info{}, home: map[string]*source{}, metadata: map[string]string{},
		sources: []*source{s}}
	var index *Index
	err = guard(f.sources, func() (err error) {
		index, err = read(s, s.size)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	for name, info := range index.Tensors {
		if err := info.check(s.size); err != nil {
			return nil, errors.Join(fmt.Errorf("%s: tensor %s: %w", path, quote(name), err), f.Close())
		}
		f.infos[name], f.home[name] = info, s
	}
	f.names = slices.Sorted(maps.Keys(f.infos))
	maps.Copy(f.metadata, index.Metadata)
	return f, nil
}

// check returns an error unless a tensor lies within a file of a size.
func (i Info) check(size int64) error {
	if err := i.Shape.Check(); err != nil {
		return fmt.Errorf("a shape of %d axes overflows", len(i.Shape))
	}
	want, err := i.DType.ByteLen(i.Shape.NumElements())
	if err != nil {
		return err
	}
	switch {
	case i.Strides == nil && i.Size != int64(want):
		return fmt.Errorf("has %d bytes, but its dtype %s and shape %v take %d", i.Size, i.DType, i.Shape, want)
	case i.Size < 0 || i.Offset < 0 || i.Offset > size || i.Size > size-i.Offset:
		return fmt.Errorf("has %d bytes from %d on, but the file ends at %d", i.Size, i.Offset, size)
	case i.Strides == nil:
		return nil
	}
	// How far strides reach does not depend on where the bytes are.
	return tensor.CheckStrided(i.DType, i.Shape, i.Strides, 0, int(i.Size))
}

// ReadAt reads bytes of the file, for [OpenIndexed].
func (s *source) ReadAt(b []byte, off int64) (int, error) {
	switch {
	case s.reader != nil:
		return s.reader.ReadAt(b, off)
	case off < 0 || off > s.size:
		return 0, io.EOF
	}
	n := copy(b, s.bytes[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}
