package safetensors

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// Open maps the file at path and reads its header. On systems without mapped
// files the tensors are read on demand.
func Open(path string) (*File, error) {
	s, err := openSource(path)
	if err != nil {
		return nil, err
	}
	return newFile(path, s)
}

// OpenFS opens a file of a file system. A file of the operating system is
// mapped; from one that is an io.ReaderAt the tensors are read on demand; any
// other is read whole.
func OpenFS(fsys fs.FS, name string) (*File, error) {
	file, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	s, err := fsSource(file, name)
	if err != nil {
		file.Close()
		return nil, err
	}
	return newFile(name, s)
}

// OpenReaderAt reads the header of a file of size bytes behind r. The name is
// for errors. Tensors are read on demand; Close does not close r.
func OpenReaderAt(r io.ReaderAt, size int64, name string) (*File, error) {
	return newFile(name, &source{name: name, size: size, reader: r})
}

func openSource(path string) (*source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	s, err := fsSource(file, path)
	if err != nil {
		file.Close()
		return nil, err
	}
	return s, nil
}

// fsSource returns a source that owns file, unless it fails.
func fsSource(file fs.File, name string) (*source, error) {
	fi, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	if !fi.Mode().IsRegular() {
		return nil, fmt.Errorf("safetensors: %s: no regular file", name)
	}
	s := &source{name: name, size: fi.Size(), close: file.Close}
	if f, ok := file.(*os.File); ok && canMap && s.size > 0 {
		if s.bytes, err = mapFile(f, s.size); err != nil {
			return nil, fmt.Errorf("safetensors: mapping %s: %w", name, err)
		}
		file.Close()
		s.close = func() error { return unmap(s.bytes) }
		return s, nil
	}
	if r, ok := file.(io.ReaderAt); ok {
		s.reader = r
		return s, nil
	}
	defer file.Close()
	var b bytes.Buffer
	if s.size, err = b.ReadFrom(file); err != nil {
		return nil, fmt.Errorf("safetensors: reading %s: %w", name, err)
	}
	s.bytes, s.close = b.Bytes(), nil
	return s, nil
}
