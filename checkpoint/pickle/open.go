// Package pickle reads the files of torch.save (.ckpt, .pt, .pth, .bin), and runs nothing of
// them.
//
// Such a file is a program for Python's pickle machine. This package has a
// machine of the few instructions that tensors need. Names of classes and
// functions are compared with a list; a name that is not in the list is an
// error, and even those in it are not called. Tensors are views of the mapped
// file, with strides where torch saved a view.
package pickle

import (
	"archive/zip"
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

const (
	magic     = opaqueInt("1950a86a20f9469cfc6c") // of files before torch 1.6
	protocol  = 1001
	mostVisit = 1 << 20 // values that are looked at for tensors
	mostDepth = 32
	// The names of values may have so many bytes together, and more for each instruction: the
	// same value may lie at many places, and have a name at each.
	mostNames     = 64 << 10
	mostNamesEach = 64
	mostData      = 256 << 20 // bytes of data.pkl
	stateDict     = "state_dict"
)

// Open maps the file at path, of any torch. Its tensors are named by the keys
// that lead to them, with dots between, such as "state_dict.model.conv.weight"
// or "string_to_param.*"; a checkpoint with a state_dict has only the tensors
// in it. The metadata has the texts and numbers, named in the same way.
func Open(file string) (*safetensors.File, error) {
	return safetensors.OpenIndexed(file, func(r io.ReaderAt, size int64) (*safetensors.Index, error) {
		index, err := read(r, size)
		if err != nil {
			return nil, fmt.Errorf("pickle: %s: %w", file, err)
		}
		return index, nil
	})
}

func read(r io.ReaderAt, size int64) (*safetensors.Index, error) {
	var start [4]byte
	if _, err := r.ReadAt(start[:], 0); err != nil {
		return nil, errors.New("too short for a file of torch.save")
	}
	switch {
	case string(start[:]) == "PK\x03\x04":
		return readZip(r, size)
	case start[0] == 0x80:
		return readOld(r, size)
	}
	return nil, fmt.Errorf("no file of torch.save: it begins with %q", start[:])
}

// readZip reads a file of torch 1.6 and later: a ZIP archive whose entries are not compressed.
func readZip(r io.ReaderAt, size int64) (*safetensors.Index, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("truncated, or no ZIP archive: %w", err)
	}
	entries := make(map[string]*zip.File)
	for _, e := range archive.File {
		_, name, _ := strings.Cut(e.Name, "/") // below a folder named after the file
		entries[name] = e
	}
	data := entries["data.pkl"]
	if data == nil {
		return nil, errors.New("a ZIP archive without data.pkl: no file of torch.save")
	}
	if data.UncompressedSize64 > mostData {
		return nil, fmt.Errorf("data.pkl has %d bytes, want %d at most", data.UncompressedSize64, mostData)
	}
	if order := entries["byteorder"]; order != nil {
		if b, err := content(r, order, 16); err != nil || string(b) != "little" {
			return nil, fmt.Errorf("the byte order is %q, want little", b)
		}
	}
	at, err := offset(data, size)
	if err != nil {
		return nil, err
	}
	m := machine{r: bufio.NewReader(io.NewSectionReader(r, at, int64(data.UncompressedSize64))), left: int64(data.UncompressedSize64), calls: true}
	top, err := m.load()
	if err != nil {
		return nil, err
	}
	return index(top, m.steps, func(s *storage) (int64, error) {
		e := entries["data/"+s.key]
		if e == nil {
			return 0, fmt.Errorf("there is no storage data/%.50s", s.key)
		}
		if e.UncompressedSize64 < uint64(s.bytes) {
			return 0, fmt.Errorf("storage data/%.50s has %d bytes, want %d", s.key, e.UncompressedSize64, s.bytes)
		}
		return offset(e, size)
	})
}

// offset returns where an entry lies, which must not be compressed.
func offset(e *zip.File, size int64) (int64, error) {
	if e.Method != zip.Store {
		return 0, fmt.Errorf("%.100s is compressed, which torch does not do: pack the archive again without compression", e.Name)
	}
	at, err := e.DataOffset()
	if err != nil {
		return 0, fmt.Errorf("%.100s: %w", e.Name, err)
	}
	if at < 0 || at > size || e.UncompressedSize64 > uint64(size-at) {
		return 0, fmt.Errorf("truncated: %.100s has %d bytes from %d on, and the file ends at %d", e.Name, e.UncompressedSize64, at, size)
	}
	return at, nil
}

// content reads a small entry.
func content(r io.ReaderAt, e *zip.File, most uint64) ([]byte, error) {
	at, err := e.DataOffset()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(e.UncompressedSize64, most))
	_, err = r.ReadAt(b, at)
	return b, err
}

// readOld reads a file of torch before 1.6: pickles one after the other, of a magic number, a version, the
// machine, the object and the keys of storages, which follow with their lengths before them.
func readOld(r io.ReaderAt, size int64) (*safetensors.Index, error) {
	position := &counted{r: io.NewSectionReader(r, 0, size)}
	m := machine{r: bufio.NewReader(position), left: size}
	first, err := m.load()
	if err != nil || first != magic {
		return nil, errors.Join(errors.New("a Python pickle, but none of torch.save: only tensors and what holds them are read"), err)
	}
	if v, err := m.load(); err != nil || v != int64(protocol) {
		return nil, errors.Join(fmt.Errorf("version %v of the format, want %d", v, protocol), err)
	}
	m.calls = true
	if _, err := m.load(); err != nil { // sizes and byte order of the machine
		return nil, err
	}
	top, err := m.load()
	if err != nil {
		return nil, err
	}
	v, err := m.load()
	if err != nil {
		return nil, err
	}
	keys, ok := v.(*list)
	if !ok {
		return nil, fmt.Errorf("a list of storages that is a %T", v)
	}
	at := position.n - int64(m.r.Buffered())
	lengths, err := storageSizes(top, m.steps)
	if err != nil {
		return nil, err
	}
	places := make(map[string]int64)
	for _, k := range keys.items {
		key, ok := k.(string)
		if !ok {
			return nil, fmt.Errorf("a storage with a %T as its key", k)
		}
		var b [8]byte
		if _, err := r.ReadAt(b[:], at); err != nil {
			return nil, fmt.Errorf("truncated before storage %.50s: %w", key, err)
		}
		s := lengths[key]
		if s == nil {
			return nil, fmt.Errorf("storage %.50s belongs to no tensor, so that its type is not known", key)
		}
		if n := int64(binary.LittleEndian.Uint64(b[:])); n != s.bytes/int64(s.dtype.Size()) {
			return nil, fmt.Errorf("storage %.50s has %d elements, want %d", key, n, s.bytes/int64(s.dtype.Size()))
		}
		places[key] = at + 8
		at += 8 + s.bytes
		if at > size {
			return nil, fmt.Errorf("truncated: storage %.50s ends at %d, and the file at %d", key, at, size)
		}
	}
	return index(top, m.steps, func(s *storage) (int64, error) {
		at, ok := places[s.key]
		if !ok {
			return 0, fmt.Errorf("there is no storage %.50s", s.key)
		}
		return at, nil
	})
}

// counted counts the bytes that are read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// storageSizes returns the storages of all tensors, by their keys.
func storageSizes(top any, steps int) (map[string]*storage, error) {
	found := make(map[string]*storage)
	err := walk(top, steps, func(_ string, v any) error {
		if t, ok := v.(*view); ok {
			found[t.of.key] = t.of
		}
		return nil
	})
	return found, err
}

// index names the tensors and texts of an object.
func index(top any, steps int, place func(*storage) (int64, error)) (*safetensors.Index, error) {
	all := &safetensors.Index{Tensors: make(map[string]safetensors.Info), Metadata: make(map[string]string)}
	only := ""
	if d, ok := top.(*dict); ok {
		for i, key := range d.keys {
			if _, nested := d.values[i].(*dict); nested && key == stateDict {
				only = stateDict + "."
			}
		}
	}
	err := walk(top, steps, func(name string, v any) error {
		switch v := v.(type) {
		case *view:
			if !strings.HasPrefix(name, only) {
				return nil
			}
			if _, ok := all.Tensors[name]; ok {
				return fmt.Errorf("tensor %.200q occurs twice", name)
			}
			at, err := place(v.of)
			if err != nil {
				return fmt.Errorf("tensor %.200q: %w", name, err)
			}
			if all.Tensors[name], err = v.info(at); err != nil {
				return fmt.Errorf("tensor %.200q: %w", name, err)
			}
		case string:
			all.Metadata[name] = v
		case int64:
			all.Metadata[name] = strconv.FormatInt(v, 10)
		case float64:
			all.Metadata[name] = strconv.FormatFloat(v, 'g', -1, 64)
		case bool:
			all.Metadata[name] = strconv.FormatBool(v)
		}
		return nil
	})
	if err == nil && len(all.Tensors) == 0 {
		err = errors.New("no tensor in it")
	}
	return all, err
}

// info returns where a view lies in the file, its storage beginning at base.
func (v *view) info(base int64) (safetensors.Info, error) {
	if err := v.shape.Check(); err != nil {
		return safetensors.Info{}, fmt.Errorf("a shape of %d axes overflows", len(v.shape))
	}
	each := int64(v.dtype.Size())
	elements := v.of.bytes / each
	n := v.shape.NumElements()
	info := safetensors.Info{DType: v.dtype, Shape: v.shape, Offset: base + min(v.offset, elements)*each}
	switch {
	case v.offset > elements:
		return info, fmt.Errorf("it begins at element %d of a storage of %d", v.offset, elements)
	case n == 0:
		return info, nil
	case dense(v.shape, v.strides):
		if int64(n) > elements-v.offset {
			return info, fmt.Errorf("%d elements from %d on, of a storage of %d", n, v.offset, elements)
		}
		info.Size = int64(n) * each
		return info, nil
	}
	info.Size, info.Strides = (elements-v.offset)*each, v.strides
	return info, tensor.CheckStrided(v.dtype, v.shape, v.strides, 0, int(info.Size))
}

// dense reports whether elements lie in row-major order.
func dense(shape tensor.Shape, strides []int) bool {
	want := shape.RowMajor()
	for i, d := range shape {
		if d != 1 && strides[i] != want[i] {
			return false
		}
	}
	return true
}

// walk calls f for all values below one that a number of instructions made, with the keys
// that lead to them.
func walk(top any, steps int, f func(name string, v any) error) error {
	visits, left := 0, mostNames+mostNamesEach*steps
	var names []string
	var at func(v any) error
	at = func(v any) error {
		if visits++; visits > mostVisit {
			return fmt.Errorf("more than %d values", mostVisit)
		}
		if len(names) > mostDepth {
			return fmt.Errorf("values %d deep", mostDepth)
		}
		each := func(key string, v any) error {
			names = append(names, key)
			defer func() { names = names[:len(names)-1] }()
			return at(v)
		}
		switch v := v.(type) {
		case *dict:
			for i, key := range v.keys {
				name := ""
				switch key := key.(type) {
				case string:
					name = key
				case int64:
					name = strconv.FormatInt(key, 10)
				default:
					continue
				}
				if err := each(name, v.values[i]); err != nil {
					return err
				}
			}
		case *list:
			for i, item := range v.items {
				if err := each(strconv.Itoa(i), item); err != nil {
					return err
				}
			}
		case tuple:
			for i, item := range v {
				if err := each(strconv.Itoa(i), item); err != nil {
					return err
				}
			}
		default:
			for _, name := range names {
				left -= len(name) + 1
			}
			if left < 0 {
				return errors.New("values with names that are longer together than the file could have")
			}
			return f(strings.Join(names, "."), v)
		}
		return nil
	}
	return at(top)
}
