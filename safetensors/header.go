package safetensors

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/df65613c/easel/tensor"
)

const (
	prefixSize    = 8           // of the header's length
	maxHeaderSize = 100_000_000 // as in the reference
	metadataKey   = "__metadata__"
)

// Info describes a tensor in a file.
type Info struct {
	DType  tensor.DType
	Shape  tensor.Shape // the caller must not change it
	Offset int64        // of its first byte in the file
	Size   int64        // in bytes
	// Strides are nil where the elements lie in row-major order, as they do in every
	// safetensors file. Else they are the distances between neighbours along each
	// axis, in elements, and Size is the bytes of the stretch in which all of them lie; Tensor
	// then returns a copy in order.
	Strides []int
}

// header is what a file says about its tensors.
type header struct {
	tensors  map[string]Info
	metadata map[string]string
}

// entry is a tensor in the header. Its offsets count from the end of the header.
type entry struct {
	name       string
	dtype      string
	shape      tensor.Shape
	begin, end int
}

// parseHeader reads the header of a file of size bytes.
func parseHeader(file string, text []byte, size int64) (*header, error) {
	fault := func(tensor, format string, args ...any) error {
		return &FormatError{file, tensor, fmt.Sprintf(format, args...)}
	}
	// Writers may pad the header with white space on either side to align the data.
	if !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return nil, fault("", "the header does not start with {")
	}
	var entries []entry
	h := &header{metadata: map[string]string{}}
	err := parseObject(text, func(d document, name string) error {
		if name == metadataKey {
			return d.metadata(h.metadata)
		}
		e, err := d.entry(name)
		if err != nil {
			return fault(name, "%v", err)
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		if f := (*FormatError)(nil); errors.As(err, &f) {
			return nil, f
		}
		return nil, fault("", "header: %v", err)
	}

	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	data := prefixSize + int64(len(text))
	avail := size - data
	h.tensors = make(map[string]Info, len(entries))
	last := entry{}
	for _, e := range entries {
		info, err := e.info(last, avail)
		if err != nil {
			return nil, fault(e.name, "%v", err)
		}
		info.Offset = data + int64(e.begin)
		h.tensors[e.name] = info
		last = e
	}
	if int64(last.end) != avail {
		return nil, fault("", "the tensors end at %d, but the file holds %d bytes of data", last.end, avail)
	}
	return h, nil
}

// info checks the entry of a tensor, which is to follow the last one without a gap in
// avail bytes of data. The offset is left to the caller.
func (e entry) info(last entry, avail int64) (Info, error) {
	dt, err := tensor.ParseDType(e.dtype)
	if err != nil || dt.Blocked() {
		return Info{}, fmt.Errorf("unknown dtype %s", quote(e.dtype))
	}
	if err := e.shape.Check(); err != nil {
		return Info{}, fmt.Errorf("a shape of %d axes overflows", len(e.shape))
	}
	want, err := dt.ByteLen(e.shape.NumElements())
	switch {
	case err != nil:
		return Info{}, fmt.Errorf("%s of %d elements has no size in bytes", dt, e.shape.NumElements())
	case e.end < e.begin:
		return Info{}, fmt.Errorf("ends at %d, before its start at %d", e.end, e.begin)
	case int64(e.end) > avail:
		return Info{}, fmt.Errorf("ends at %d, but the file holds %d bytes of data", e.end, avail)
	case e.end-e.begin != want:
		return Info{}, fmt.Errorf("has %d bytes from %d to %d, but its dtype %s and shape take %d",
			e.end-e.begin, e.begin, e.end, dt, want)
	case e.begin < last.end:
		return Info{}, fmt.Errorf("starts at %d, inside tensor %s, which ends at %d", e.begin, quote(last.name), last.end)
	case e.begin > last.end:
		return Info{}, fmt.Errorf("starts at %d and leaves a hole after %d", e.begin, last.end)
	}
	return Info{DType: dt, Shape: e.shape, Size: int64(want)}, nil
}

// entry reads the description of a tensor. Fields that the format does not
// have are skipped, as the reference does.
func (d document) entry(name string) (entry, error) {
	e := entry{name: name}
	missing := map[string]bool{"dtype": true, "shape": true, "data_offsets": true}
	err := d.object(func(field string) (err error) {
		delete(missing, field)
		switch field {
		case "dtype":
			e.dtype, err = d.text()
		case "shape":
			e.shape, err = d.sizes()
		case "data_offsets":
			e.begin, e.end, err = d.offsets()
		default:
			err = d.skip()
		}
		return in(err, quote(field))
	})
	if err == nil && len(missing) > 0 {
		err = fmt.Errorf("%s missing", strings.Join(slices.Sorted(maps.Keys(missing)), " and "))
	}
	return e, err
}

// metadata reads an object of texts, or null.
func (d document) metadata(into map[string]string) error {
	tok, err := d.token()
	switch {
	case err != nil:
		return err
	case tok == nil:
		return nil
	case tok != json.Delim('{'):
		return fmt.Errorf("%s: %v where { or null is due", metadataKey, tok)
	}
	return d.fields(func(key string) (err error) {
		into[key], err = d.text()
		return in(err, metadataKey+" "+quote(key))
	})
}

func (d document) offsets() (begin, end int, err error) {
	v, err := d.sizes()
	if err == nil && len(v) != 2 {
		err = fmt.Errorf("%d numbers, not 2", len(v))
	}
	if err != nil {
		return 0, 0, err
	}
	return v[0], v[1], nil
}

// in says where err arose.
func in(err error, where string) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", where, err)
}
