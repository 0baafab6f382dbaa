package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/tensor"
)

// Write writes a file with the tensors and, where it is not empty, the
// metadata. The bytes are those that the reference writes: by dtype from
// the widest, then by name, after a header padded to a multiple of 8 bytes.
func Write(w io.Writer, tensors map[string]*tensor.Tensor, metadata map[string]string) error {
	streams := make(map[string]Stream, len(tensors))
	for name, t := range tensors {
		streams[name] = Stream{t.DType(), t.Shape(), func(w io.Writer) error {
			t, err := t.Contiguous()
			if err != nil {
				return err
			}
			_, err = w.Write(t.Bytes())
			return err
		}}
	}
	return WriteStreams(w, streams, metadata)
}

// Stream is a tensor that is made while it is written, so that a file may be
// larger than the memory.
type Stream struct {
	DType tensor.DType
	Shape tensor.Shape
	Write func(w io.Writer) error // writes the elements in order
}

// WriteStreams is Write for tensors that are made one after the other. A stream
// that writes more or fewer bytes than its shape takes is an error.
func WriteStreams(w io.Writer, tensors map[string]Stream, metadata map[string]string) error {
	names := slices.SortedFunc(maps.Keys(tensors), func(a, b string) int {
		return cmp.Or(cmp.Compare(tensors[b].DType, tensors[a].DType), cmp.Compare(a, b))
	})
	head, sizes, err := encodeHeader(names, tensors, metadata)
	if err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return fmt.Errorf("safetensors: writing the header: %w", err)
	}
	for i, name := range names {
		if err := tensors[name].Copy(w, sizes[i]); err != nil {
			return fmt.Errorf("safetensors: writing tensor %s: %w", quote(name), err)
		}
	}
	return nil
}

// Copy writes the elements, and returns an error unless they are size bytes.
func (s Stream) Copy(w io.Writer, size int) error {
	counted := counter{Writer: w}
	if err := s.Write(&counted); err != nil {
		return err
	}
	if counted.n != size {
		return fmt.Errorf("%d bytes were written, its shape takes %d", counted.n, size)
	}
	return nil
}

// counter counts the bytes that pass.
type counter struct {
	io.Writer
	n int
}

func (c *counter) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += n
	return n, err
}

// WriteFile writes the file at path as Write does, under a temporary name
// beside it that becomes path only when all is written.
func WriteFile(path string, tensors map[string]*tensor.Tensor, metadata map[string]string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return Write(w, tensors, metadata) })
}

// encodeHeader returns the length of the header and the header, and the bytes
// of each tensor.
func encodeHeader(names []string, tensors map[string]Stream, metadata map[string]string) (head []byte, sizes []int, err error) {
	b := bytes.NewBuffer(make([]byte, prefixSize))
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	value := func(v any) {
		_ = enc.Encode(v) // strings, numbers and a buffer: it cannot fail
		b.Truncate(b.Len() - 1)
	}
	sep := byte('{')
	field := func(key string, v any) {
		b.WriteByte(sep)
		sep = ','
		value(key)
		b.WriteByte(':')
		value(v)
	}
	if len(metadata) > 0 {
		for k, v := range metadata {
			if !utf8.ValidString(k) || !utf8.ValidString(v) {
				return nil, nil, fmt.Errorf("safetensors: metadata %s is not UTF-8", quote(k))
			}
		}
		field(metadataKey, metadata)
	}
	offset := 0
	for _, name := range names {
		t := tensors[name]
		if name == metadataKey || !utf8.ValidString(name) {
			return nil, nil, fmt.Errorf("safetensors: %s cannot name a tensor", quote(name))
		}
		if t.DType.Blocked() {
			return nil, nil, fmt.Errorf("safetensors: tensor %s is %s, which the format does not have", quote(name), t.DType)
		}
		n, err := t.DType.ByteLen(t.Shape.NumElements())
		if err != nil {
			return nil, nil, fmt.Errorf("safetensors: tensor %s: %w", quote(name), err)
		}
		field(name, struct {
			DType   string `json:"dtype"`
			Shape   []int  `json:"shape"`
			Offsets [2]int `json:"data_offsets"`
		}{t.DType.String(), append([]int{}, t.Shape...), [2]int{offset, offset + n}})
		offset += n
		sizes = append(sizes, n)
	}
	if sep == '{' {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	head = b.Bytes()
	if n := len(head) - prefixSize; n > maxHeaderSize {
		return nil, nil, fmt.Errorf("safetensors: a header of %d bytes is above the limit of %d", n, maxHeaderSize)
	}
	binary.LittleEndian.PutUint64(head, uint64(len(head)-prefixSize))
	return head, sizes, nil
}
