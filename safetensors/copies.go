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
	if p := one.first.Value(); p != nil {
		return info.of(unsafe.Slice(p, info.Size))
	}
	data := tensor.New(tensor.U8, int(info.Size)).Bytes() // aligned for any type
	if err := read(data); err != nil {
		return nil, err
	}
	if info.Size > 0 {
		one.first = weak.Make(unsafe.SliceData(data))
	}
	return info.of(data)
}
