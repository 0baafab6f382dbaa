package gguf

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/df65613c/easel/safetensors"
)

// Write writes a file of version 3 with the tensors in the order of their names.
// Values of the metadata are string, uint32 or bool. A tensor that is quantised must
// have rows of whole blocks; a type that the format does not have is an error.
func Write(w io.Writer, tensors map[string]safetensors.Stream, metadata map[string]any) error {
	names := slices.Sorted(maps.Keys(tensors))
	head, lengths, err := encode(names, tensors, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("gguf: writing the header: %w", err)
	}
	for i, name := range names {
		if err := tensors[name].Copy(w, lengths[i]); err != nil {
			return fmt.Errorf("gguf: writing tensor %q: %w", name, err)
		}
		if _, err := w.Write(make([]byte, padding(lengths[i]))); err != nil {
			return fmt.Errorf("gguf: writing tensor %q: %w", name, err)
		}
	}
	return nil
}

// padding returns the bytes up to the next place where a tensor may begin.
func padding(n int) int { return -n & (alignment - 1) }

// encode returns all that comes before the data, and the bytes of each tensor.
func encode(names []string, tensors map[string]safetensors.Stream, metadata map[string]any) (head []byte, lengths []int,
	err error) {
	b := new(bytes.Buffer)
	number := func(v any) { _ = binary.Write(b, binary.LittleEndian, v) } // a buffer takes all
	text := func(s string) {
		number(uint64(len(s)))
		b.WriteString(s)
	}
	b.WriteString(magic)
	number(uint32(3))
	number(uint64(len(names)))
	number(uint64(len(metadata)))
	for _, key := range slices.Sorted(maps.Keys(metadata)) {
		text(key)
		switch v := metadata[key].(type) {
		case string:
			number(stringKind)
			text(v)
		case uint32:
			number(u32Kind)
			number(v)
		case bool:
			number(boolKind)
			number(v)
		default:
			return nil, nil, fmt.Errorf("gguf: metadata %q is a %T, want string, uint32 or bool", key, v)
		}
	}
	offset := 0
	for _, name := range names {
		t := tensors[name]
		code, ok := codeOf(t.DType)
		if !ok {
			return nil, nil, fmt.Errorf("gguf: tensor %q is %s, which the format does not have", name, t.DType)
		}
		axes := len(t.Shape)
		if axes > 4 {
			return nil, nil, fmt.Errorf("gguf: tensor %q has %d axes, want 4 at most", name, axes)
		}
		if elems, _ := t.DType.Block(); elems > 1 && (axes == 0 || t.Shape[axes-1]%elems != 0) {
			return nil, nil, fmt.Errorf("gguf: tensor %q of shape %v cannot be %s: its rows are no whole number of blocks of %d",
				name, t.Shape, t.DType, elems)
		}
		length, err := t.DType.ByteLen(t.Shape.NumElements())
		if err != nil {
			return nil, nil, fmt.Errorf("gguf: tensor %q: %w", name, err)
		}
		text(name)
		number(uint32(max(axes, 1)))
		if axes == 0 {
			number(uint64(1)) // the format has no scalars
		}
		for i := range t.Shape {
			number(uint64(t.Shape[axes-1-i]))
		}
		number(code)
		number(uint64(offset))
		offset += length + padding(length)
		lengths = append(lengths, length)
	}
	b.Write(make([]byte, padding(b.Len())))
	return b.Bytes(), lengths, nil
}
