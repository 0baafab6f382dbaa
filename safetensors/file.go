package safetensors

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"

	"github.com/df65613c/easel/tensor"
)

// File is an open set of tensors: those of one file or those of all the shards
// of a model. Its methods may be called from several goroutines.
type File struct {
	name     string
	names    []string
	infos    map[string]Info
	home     map[string]*source
	metadata map[string]string

	mu      sync.RWMutex
	sources []*source // nil after Close
}

// newFile reads the headers of the sources, which it owns from then on.
func newFile(name string, sources ...*source) (*File, error) {
	f := &File{
		name:     name,
		infos:    map[string]Info{},
		home:     map[string]*source{},
		metadata: map[string]string{},
		sources:  sources,
	}
	for _, s := range sources {
		if err := f.add(s); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	f.names = slices.Sorted(maps.Keys(f.infos))
	return f, nil
}

func (f *File) add(s *source) error {
	var h *header
	err := guard([]*source{s}, func() (err error) {
		h, err = s.header()
		return err
	})
	if err != nil {
		return err
	}
	for name, info := range h.tensors {
		if other, ok := f.home[name]; ok {
			return &FormatError{s.name, name, "is in " + other.name + " too"}
		}
		f.infos[name], f.home[name] = info, s
	}
	for k, v := range h.metadata {
		if _, ok := f.metadata[k]; !ok {
			f.metadata[k] = v
		}
	}
	return nil
}

// Name returns the path or name under which the file was opened.
func (f *File) Name() string { return f.name }

// Names returns the names of the tensors in order.
func (f *File) Names() []string { return slices.Clone(f.names) }

// Info describes a tensor, if the file has it. The offset counts from the
// start of the shard that holds the tensor.
func (f *File) Info(name string) (Info, bool) {
	info, ok := f.infos[name]
	return info, ok
}

// Metadata returns the file's metadata. If shards disagree about a key, the
// first that has it counts.
func (f *File) Metadata() map[string]string { return maps.Clone(f.metadata) }

// Tensor returns a tensor. In a mapped file it is a view of the mapped bytes,
// which must not be used after Close; see Guard for files that are truncated in
// use. A tensor that is not aligned to the size of its elements is copied, and
// one behind an io.ReaderAt is read; calls share the copy while it is in use.
// The tensor must not be written. A name that the file does not have is an
// error that wraps os.ErrNotExist.
func (f *File) Tensor(name string) (*tensor.Tensor, error) {
	info, ok := f.infos[name]
	if !ok {
		return nil, fmt.Errorf("safetensors: %s: tensor %s: %w", f.name, quote(name), os.ErrNotExist)
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.sources == nil {
		return nil, fmt.Errorf("safetensors: %s: tensor %s: %w", f.name, quote(name), os.ErrClosed)
	}
	s := f.home[name]
	var t *tensor.Tensor
	err := guard([]*source{s}, func() (err error) {
		t, err = s.tensor(name, info)
		return err
	})
	if err != nil {
		return nil, err
	}
	return t, nil
}

// Mapped reports whether Tensor returns a view of the file rather than a copy in
// memory.
func (f *File) Mapped(name string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	info, ok := f.infos[name]
	return ok && f.sources != nil && f.home[name].inPlace(info)
}

// Close unmaps and closes the files. Views of them must not be used any more.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var errs []error
	for _, s := range f.sources {
		errs = append(errs, s.shut())
	}
	f.sources = nil
	return errors.Join(errs...)
}
