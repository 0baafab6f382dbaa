package safetensors

import (
	"sync"
	"unsafe"
	"weak"

	"github.com/df65613c/easel/tensor"
)

// copies are the tensors of a source that can't be used where they are stored.
// Each is shared for as long as somebody uses it, and read again after that.
type copies struct {
	mu   sync.Mutex
	made map[string]*copied
}

type copied struct {
	mu    sync.Mutex
	first weak.Pointer[byte] // of the bytes
}

// get returns the copy of a name that is in use, or a new one that read fills.
func (c *copies) get(name string, info Info, read func([]byte) error) (*tensor.Tensor, error) {
	c.mu.Lock()
	if c.made == nil {
		c.made = make(map[string]*copied)
	}
	one := c.made[name]
	if one == nil {
		one = new(copied)
		c.made[name] = one
	}
	c.mu.Unlock()

	one.mu.Lock()
	defer one.mu.Unlock()
	size, err := info.DType.ByteLen(info.Shape.NumElements())
	if err != nil {
		return nil, err
	}
	if p := one.first.Value(); p != nil {
		return tensor.FromBytes(info.DType, info.Shape, unsafe.Slice(p, size))
	}
	t := tensor.New(info.DType, info.Shape...)
	if err := read(t.Bytes()); err != nil {
		return nil, err
	}
	if size > 0 {
		one.first = weak.Make(unsafe.SliceData(t.Bytes()))
	}
	return t, nil
}
