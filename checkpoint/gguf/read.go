// Package gguf reads and writes GGUF, the file format of ggml, in which
// stable-diffusion.cpp and ComfyUI-GGUF keep checkpoints.
//
// Tensors are views of the mapped file, in the types of [tensor.DType] that end
// with IQ4XS; quantised ones stay as they are. The format is described in ggml's
// docs/gguf.md; versions 2 and 3 in little endian are read.
package gguf

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

const (
	magic     = "GGUF"
	alignment = 32 // where the metadata have no other
	mostAxes  = 8
	mostText  = 1 << 20 // bytes of a value that is kept
	mostName  = 1 << 16
	mostDepth = 4 // of arrays of arrays

	// What an entry takes at least.
	leastPair   = 8 + 4 + 1
	leastTensor = 8 + 4 + 4 + 8

	alignmentKey = "general.alignment"
	// shapeKey begins the keys under which ComfyUI-GGUF keeps the shapes, in
	// torch's order, of tensors that it stores as rows of 256.
	shapeKey = "comfy.gguf.orig_shape."
)

// Open maps the file at path. Shapes are in the order of safetensors and torch,
// the fastest axis last, and those that ComfyUI-GGUF changed are as they were.
// The metadata has the single values, as text, and no lists.
func Open(path string) (*safetensors.File, error) {
	return safetensors.OpenIndexed(path, func(file io.ReaderAt, size int64) (*safetensors.Index, error) {
		d := decoder{r: bufio.NewReaderSize(io.NewSectionReader(file, 0, size), 1<<16), size: size}
		index, err := d.index()
		if err != nil {
			return nil, fmt.Errorf("gguf: %s: %w", path, err)
		}
		return index, nil
	})
}

// decoder reads a file from its start.
type decoder struct {
	r     *bufio.Reader
	at    int64
	size  int64
	array []int32 // the last list of whole numbers, of those that are kept
}

func (d *decoder) index() (*safetensors.Index, error) {
	start, err := d.bytes(8)
	if err != nil {
		return nil, err
	}
	if string(start[:4]) != magic {
		return nil, fmt.Errorf("no GGUF file: it begins with %q", start[:4])
	}
	switch version := binary.LittleEndian.Uint32(start[4:]); version {
	case 2, 3:
	case 2 << 24, 3 << 24:
		return nil, fmt.Errorf("the numbers are in big endian, which is not read")
	default:
		return nil, fmt.Errorf("version %d of the format, want 2 or 3", version)
	}
	tensors, err := d.count("tensors", leastTensor)
	if err != nil {
		return nil, err
	}
	pairs, err := d.count("keys", leastPair)
	if err != nil {
		return nil, err
	}
	index := &safetensors.Index{Tensors: make(map[string]safetensors.Info), Metadata: make(map[string]string)}
	shapes := make(map[string]tensor.Shape)
	for range pairs {
		if err := d.pair(index.Metadata, shapes); err != nil {
			return nil, err
		}
	}
	for range tensors {
		if err := d.tensor(index.Tensors, shapes); err != nil {
			return nil, err
		}
	}
	return index, d.place(index)
}

// place makes the offsets of tensors those in the file.
func (d *decoder) place(index *safetensors.Index) error {
	align := int64(alignment)
	if text, ok := index.Metadata[alignmentKey]; ok {
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil || n < 8 || n&(n-1) != 0 {
			return fmt.Errorf("%s is %s, want a power of two from 8 on", alignmentKey, text)
		}
		align = n
	}
	start := (d.at + align - 1) / align * align
	for name, info := range index.Tensors {
		if info.Offset%align != 0 {
			return fmt.Errorf("tensor %.200q begins at %d, which is no multiple of %d", name, info.Offset, align)
		}
		info.Offset += start
		index.Tensors[name] = info
	}
	return nil
}

// bytes reads n bytes, until the next call.
func (d *decoder) bytes(n int64) ([]byte, error) {
	if n > d.size-d.at {
		return nil, fmt.Errorf("truncated: %d bytes are due at %d, and the file ends at %d", n, d.at, d.size)
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(d.r, b); err != nil {
		return nil, fmt.Errorf("reading %d bytes at %d: %w", n, d.at, err)
	}
	d.at += n
	return b, nil
}

func (d *decoder) skip(n int64) error {
	if n > d.size-d.at {
		return fmt.Errorf("truncated: %d bytes are due at %d, and the file ends at %d", n, d.at, d.size)
	}
	for d.at += n; n > 0; {
		some, err := d.r.Discard(int(min(n, 1<<30)))
		if err != nil {
			return err
		}
		n -= int64(some)
	}
	return nil
}

func (d *decoder) u32() (uint32, error) {
	b, err := d.bytes(4)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b), nil
}

func (d *decoder) u64() (uint64, error) {
	b, err := d.bytes(8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// count reads how many entries follow, of least bytes each.
func (d *decoder) count(what string, least int64) (int64, error) {
	n, err := d.u64()
	if err == nil && n > uint64((d.size-d.at)/least) {
		err = fmt.Errorf("%d %s are more than the file of %d bytes can hold", n, what, d.size)
	}
	return int64(n), err
}

// text reads a string of at most some bytes.
func (d *decoder) text(what string, most uint64) (string, error) {
	n, err := d.u64()
	if err != nil {
		return "", err
	}
	if n > most {
		return "", fmt.Errorf("%s of %d bytes at %d, want %d at most", what, n, d.at, most)
	}
	b, err := d.bytes(int64(n))
	return string(b), err
}

// pair reads a key of the metadata and its value.
func (d *decoder) pair(metadata map[string]string, shapes map[string]tensor.Shape) error {
	key, err := d.text("a key", mostName)
	if err != nil {
		return err
	}
	if _, ok := metadata[key]; ok {
		return fmt.Errorf("the key %.200q occurs twice", key)
	}
	code, err := d.u32()
	if err != nil {
		return err
	}
	name, shaped := strings.CutPrefix(key, shapeKey)
	d.array = nil
	value, err := d.value(kind(code), shaped, 0)
	if err != nil {
		return fmt.Errorf("key %.200q: %w", key, err)
	}
	switch {
	case shaped && kind(code) == arrayKind:
		shape := make(tensor.Shape, len(d.array))
		for i, n := range d.array {
			shape[i] = int(n)
		}
		shapes[name] = shape
	case kind(code) != arrayKind:
		metadata[key] = value
	}
	return nil
}

// value reads a value of the metadata and returns it as text, if it is one. If
// it is a list of whole numbers to keep, d gets the numbers.
func (d *decoder) value(k kind, keep bool, depth int) (string, error) {
	switch k {
	case stringKind:
		n, err := d.u64()
		if err != nil {
			return "", err
		}
		if n > mostText || depth > 0 {
			if n > math.MaxInt64 {
				return "", fmt.Errorf("a text of %d bytes", n)
			}
			return "", d.skip(int64(n))
		}
		b, err := d.bytes(int64(n))
		return string(b), err
	case arrayKind:
		return "", d.list(keep, depth)
	}
	size, ok := sizes[k]
	if !ok {
		return "", fmt.Errorf("a value of unknown type %d", k)
	}
	b, err := d.bytes(size)
	if err != nil {
		return "", err
	}
	return scalar(k, b), nil
}

func (d *decoder) list(keep bool, depth int) error {
	code, err := d.u32()
	if err != nil {
		return err
	}
	k := kind(code)
	least, fixed := sizes[k]
	if !fixed {
		least = 8 // the length of a text, or of a list with its type
	}
	n, err := d.count("values", least)
	if err != nil {
		return err
	}
	switch {
	case depth >= mostDepth:
		return fmt.Errorf("lists inside lists, %d deep", depth)
	case keep && k == i32Kind && n <= mostAxes:
		for range n {
			v, err := d.u32()
			if err != nil {
				return err
			}
			d.array = append(d.array, int32(v))
		}
		return nil
	case fixed:
		return d.skip(n * least)
	}
	for range n {
		if _, err := d.value(k, false, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// scalar returns a value of a fixed size as text.
func scalar(k kind, b []byte) string {
	le := binary.LittleEndian
	switch k {
	case u8Kind:
		return strconv.Itoa(int(b[0]))
	case i8Kind:
		return strconv.Itoa(int(int8(b[0])))
	case u16Kind:
		return strconv.Itoa(int(le.Uint16(b)))
	case i16Kind:
		return strconv.Itoa(int(int16(le.Uint16(b))))
	case u32Kind:
		return strconv.FormatUint(uint64(le.Uint32(b)), 10)
	case i32Kind:
		return strconv.Itoa(int(int32(le.Uint32(b))))
	case u64Kind:
		return strconv.FormatUint(le.Uint64(b), 10)
	case i64Kind:
		return strconv.FormatInt(int64(le.Uint64(b)), 10)
	case f32Kind:
		return strconv.FormatFloat(float64(math.Float32frombits(le.Uint32(b))), 'g', -1, 32)
	case f64Kind:
		return strconv.FormatFloat(math.Float64frombits(le.Uint64(b)), 'g', -1, 64)
	}
	return strconv.FormatBool(b[0] != 0)
}

// tensor reads the description of a tensor. Its offset counts from where the data begin.
func (d *decoder) tensor(tensors map[string]safetensors.Info, shapes map[string]tensor.Shape) error {
	name, err := d.text("the name of a tensor", mostName)
	if err != nil {
		return err
	}
	fault := func(format string, args ...any) error {
		return fmt.Errorf("tensor %.200q: %w", name, fmt.Errorf(format, args...))
	}
	if _, ok := tensors[name]; ok {
		return fault("the name occurs twice")
	}
	axes, err := d.u32()
	if err != nil {
		return err
	}
	if axes > mostAxes {
		return fault("%d axes, want %d at most", axes, mostAxes)
	}
	shape := make(tensor.Shape, axes)
	for i := range shape {
		n, err := d.u64()
		if err != nil {
			return err
		}
		if n > math.MaxInt {
			return fault("an axis of %d", n)
		}
		shape[i] = int(n)
	}
	slices.Reverse(shape) // the first is the fastest here
	code, err := d.u32()
	if err != nil {
		return err
	}
	offset, err := d.u64()
	if err != nil {
		return err
	}
	if offset > uint64(d.size) {
		return fault("it begins at %d of the data, and the file has %d bytes", offset, d.size)
	}
	dt, ok := types[code]
	if !ok {
		if name, ok := others[code]; ok {
			return fault("type %s is not read: take a file of Q8_0, Q5, Q4, Q2_K to Q6_K, IQ4_NL, IQ4_XS, F16, BF16 or F32", name)
		}
		return fault("unknown type %d", code)
	}
	if err := shape.Check(); err != nil {
		return fault("a shape of %d axes overflows", axes)
	}
	if elems, _ := dt.Block(); axes > 0 && shape[axes-1]%elems != 0 {
		return fault("rows of %d are no whole number of %s blocks of %d", shape[axes-1], dt, elems)
	}
	size, err := dt.ByteLen(shape.NumElements())
	if err != nil {
		return fault("%w", err)
	}
	if was, ok := shapes[name]; ok {
		if was.Check() != nil || was.NumElements() != shape.NumElements() {
			return fault("shape %v, and %s%s says %v", shape, shapeKey, name, was)
		}
		shape = was
	}
	tensors[name] = safetensors.Info{DType: dt, Shape: shape, Offset: int64(offset), Size: int64(size)}
	return nil
}
