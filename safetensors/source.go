package safetensors

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unsafe"

	"github.com/df65613c/easel/internal/sniff"
	"github.com/df65613c/easel/tensor"
)

// source is the bytes of one file: at hand (mapped or read whole), or behind a ReaderAt.
type source struct {
	name   string
	size   int64
	bytes  []byte
	reader io.ReaderAt  // nil if bytes holds the file
	close  func() error // nil if there is nothing to close
	copies copies
}

// header reads and checks the header.
func (s *source) header() (*header, error) {
	fault := func(format string, args ...any) error {
		return &FormatError{File: s.name, Fault: fmt.Sprintf(format, args...)}
	}
	if s.size < prefixSize {
		return nil, s.other(fault("%d bytes are too few for a header", s.size))
	}
	prefix, err := s.read(0, prefixSize)
	if err != nil {
		return nil, err
	}
	n := binary.LittleEndian.Uint64(prefix)
	if n > maxHeaderSize {
		return nil, s.other(fault("a header of %d bytes is above the limit of %d: this is no safetensors file", n, maxHeaderSize))
	}
	if int64(n) > s.size-prefixSize {
		return nil, s.other(fault("truncated: the header takes %d bytes and the file holds %d", n, s.size-prefixSize))
	}
	text, err := s.read(prefixSize, int64(n))
	if err != nil {
		return nil, err
	}
	return parseHeader(s.name, text, s.size)
}

// other returns a fault that names what the file is instead, or else the fault of its header.
func (s *source) other(fault error) error {
	start, err := s.read(0, min(s.size, sniff.Len))
	if err != nil {
		return fault
	}
	if what := sniff.Name(start); what != "" {
		return &FormatError{File: s.name, Fault: "no safetensors file but " + what}
	}
	return fault
}

// read returns n bytes at off; both lie within the file.
func (s *source) read(off, n int64) ([]byte, error) {
	if s.reader == nil {
		return s.bytes[off : off+n : off+n], nil
	}
	b := make([]byte, n)
	return b, s.readInto(b, off, "header")
}

func (s *source) readInto(b []byte, off int64, what string) error {
	n, err := s.reader.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("safetensors: %s: %s: reading %d bytes at %d: %w", s.name, what, len(b), off, err)
}

// tensor returns a tensor: a view of the bytes at hand where they are aligned
// to the size of an element, and a copy elsewhere.
func (s *source) tensor(name string, info Info) (*tensor.Tensor, error) {
	if s.inPlace(info) {
		return tensor.FromBytes(info.DType, info.Shape, s.at(info))
	}
	stretch := func(dst []byte) error {
		if s.reader == nil {
			copy(dst, s.at(info))
			return nil
		}
		return s.readInto(dst, info.Offset, "tensor "+quote(name))
	}
	if info.Strides == nil {
		return s.copies.get(name, info, stretch)
	}
	return s.copies.get(name, info, func(dst []byte) error {
		whole := tensor.New(tensor.U8, int(info.Size)).Bytes() // aligned for any type
		if err := stretch(whole); err != nil {
			return err
		}
		view, err := tensor.FromStrided(info.DType, info.Shape, info.Strides, 0, whole)
		if err != nil {
			return err
		}
		if view, err = view.Contiguous(); err == nil {
			copy(dst, view.Bytes())
		}
		return err
	})
}

// at returns the bytes of a tensor, which are at hand.
func (s *source) at(info Info) []byte {
	return s.bytes[info.Offset : info.Offset+info.Size : info.Offset+info.Size]
}

// inPlace reports whether a tensor can be used where it is stored.
func (s *source) inPlace(info Info) bool {
	if s.reader != nil || info.Strides != nil {
		return false
	}
	return uintptr(unsafe.Pointer(unsafe.SliceData(s.at(info))))%uintptr(max(info.DType.Size(), 1)) == 0
}

// shut releases the file.
func (s *source) shut() error {
	if s.close == nil {
		return nil
	}
	return s.close()
}
