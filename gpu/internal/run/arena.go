package run

import (
	"slices"

	"github.com/df65613c/easel/gpu/internal/pass"
)

// chunkSize is how much memory an arena takes from the device at a time: drivers
// have few thousand allocations, and a network has as many weights.
const chunkSize = 64 << 20

// arena gives out parts of larger buffers.
type arena struct{ chunks []*chunk }

type chunk struct {
	buffer Buffer
	free   []span // by offset, apart from each other
}

type span struct{ offset, size int64 }

// slot is a part of a chunk.
type slot struct {
	chunk *chunk
	span
}

func (s slot) buffer() Buffer { return s.chunk.buffer }

// alloc returns a part of a chunk. More makes a new one: a large one if there is
// room, else one of the size that is needed.
func (a *arena) alloc(size int64, more func(bytes int64) (Buffer, error)) (slot, error) {
	size = (size + pass.Align - 1) &^ (pass.Align - 1)
	for _, c := range a.chunks {
		for i, f := range c.free {
			if f.size < size {
				continue
			}
			if f.size == size {
				c.free = slices.Delete(c.free, i, i+1)
			} else {
				c.free[i] = span{f.offset + size, f.size - size}
			}
			return slot{c, span{f.offset, size}}, nil
		}
	}
	b, err := more(max(size, chunkSize))
	if err != nil && size < chunkSize {
		b, err = more(size)
	}
	if err != nil {
		return slot{}, err
	}
	c := &chunk{buffer: b}
	if rest := b.Size() - size; rest > 0 {
		c.free = []span{{size, rest}}
	}
	a.chunks = append(a.chunks, c)
	return slot{c, span{0, size}}, nil
}

// release gives a part back, and a chunk that is free as a whole to the device.
func (a *arena) release(s slot, free func(Buffer)) {
	c := s.chunk
	i, _ := slices.BinarySearchFunc(c.free, s.offset, func(f span, at int64) int { return int(min(max(f.offset-at, -1), 1)) })
	c.free = slices.Insert(c.free, i, s.span)
	if i+1 < len(c.free) && s.offset+s.size == c.free[i+1].offset {
		c.free[i].size += c.free[i+1].size
		c.free = slices.Delete(c.free, i+1, i+2)
	}
	if i > 0 && c.free[i-1].offset+c.free[i-1].size == c.free[i].offset {
		c.free[i-1].size += c.free[i].size
		c.free = slices.Delete(c.free, i, i+1)
	}
	if len(c.free) == 1 && c.free[0].size == c.buffer.Size() {
		free(c.buffer)
		a.chunks = slices.DeleteFunc(a.chunks, func(o *chunk) bool { return o == c })
	}
}
