package adapt

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Library finds adapters by name: those in a folder and the folders below it,
// and files that were added. A name never is a path. It keeps what it has opened,
// mapped, until it is closed. It is safe for concurrent use. The zero value is empty.
type Library struct {
	// Dir is the folder; "" is none. A file that is added to it while the program
	// runs is found, and one that was replaced is opened again.
	Dir string

	mu     sync.Mutex
	added  map[string]string // paths by name
	open   map[string]*opened
	closed bool
}

// opened is an open file, and what tells whether it was replaced.
type opened struct {
	*File
	size int64
	time time.Time
	old  []*File // that it took the place of
}

// Add gives the library a file outside its folder, or a folder of PEFT's, and
// returns the name that it has there.
func (l *Library) Add(path string) (name string, err error) {
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("adapter: %w", err)
	}
	name = nameOf(path)
	l.mu.Lock()
	defer l.mu.Unlock()
	if have, ok := l.added[name]; ok && have != path {
		return "", fmt.Errorf("adapters %s and %s have the same name", have, path)
	}
	if l.added == nil {
		l.added = make(map[string]string)
	}
	l.added[name] = path
	return name, nil
}

// nameOf returns the name of an adapter in a file.
func nameOf(path string) string {
	return strings.TrimSuffix(filepath.Base(filepath.Clean(path)), extension)
}

const extension = ".safetensors"

// paths returns the path of each adapter by name.
func (l *Library) paths() (map[string]string, error) {
	list, err := scan(l.Dir, nameOf, extension)
	if err != nil {
		return nil, fmt.Errorf("adapters: %w", err)
	}
	maps.Copy(list, l.added)
	return list, nil
}

// scan returns the paths of the files with one of some extensions in a folder
// and those below it, by name. If two have the same name, it is the first.
func scan(dir string, name func(path string) string, extensions ...string) (map[string]string, error) {
	list := make(map[string]string)
	if dir == "" {
		return list, nil
	}
	return list, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains(extensions, filepath.Ext(path)) {
			return err
		}
		if have, twice := list[name(path)]; !twice || path < have {
			list[name(path)] = path
		}
		return nil
	})
}

// Names returns the names of all adapters, sorted.
func (l *Library) Names() ([]string, error) {
	if l == nil {
		return nil, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	list, err := l.paths()
	return slices.Sorted(maps.Keys(list)), err
}

// ErrUnknown is wrapped by the error of Open where there is no such adapter.
var ErrUnknown = errors.New("no such adapter")

// Open returns an adapter by name. The library closes it.
func (l *Library) Open(name string) (*File, error) {
	if l == nil {
		return nil, fmt.Errorf("%w: %q; there is no folder of adapters", ErrUnknown, name)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil, fmt.Errorf("the library of adapters is closed: %w", os.ErrClosed)
	}
	list, err := l.paths()
	if err != nil {
		return nil, err
	}
	path, ok := list[name]
	if !ok {
		return nil, fmt.Errorf("%w: %q; there are %s", ErrUnknown, name, known(slices.Sorted(maps.Keys(list))))
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	have := l.open[path]
	if have != nil && have.size == info.Size() && have.time.Equal(info.ModTime()) {
		return have.File, nil
	}
	f, err := Open(path)
	if err != nil {
		return nil, err
	}
	o := &opened{File: f, size: info.Size(), time: info.ModTime()}
	if have != nil {
		o.old = append(have.old, have.File)
	}
	if l.open == nil {
		l.open = make(map[string]*opened)
	}
	l.open[path] = o
	return f, nil
}

// known lists names for an error.
func known(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	more := ""
	if n := len(names) - 20; n > 0 {
		names, more = names[:20], fmt.Sprintf(" and %d more", n)
	}
	return strings.Join(names, ", ") + more
}

// Close closes all files. Pipelines that use them must be closed before.
func (l *Library) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var errs []error
	for _, o := range l.open {
		for _, f := range append(o.old, o.File) {
			errs = append(errs, f.Close())
		}
	}
	l.open, l.closed = nil, true
	return errors.Join(errs...)
}
