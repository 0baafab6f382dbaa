package ptxsim

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
	"sync"
)

// Memory is the memory of a device. Between allocations lie bytes that are no one's.
type Memory struct {
	mu   sync.Mutex
	next uint64
	list []allocation // by address
}

type allocation struct {
	address uint64
	data    []byte
}

// GlobalBase is the least address, which no pointer of the host reaches.
const GlobalBase = 1 << 50

// Alloc returns the address of n bytes of NaNs.
func (m *Memory) Alloc(n int) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	data := make([]byte, n)
	for i := range data {
		data[i] = 0xff
	}
	const gap = 4096
	a := max(m.next, GlobalBase)
	m.next = (a + uint64(n) + gap) &^ 255
	m.list = append(m.list[:len(m.list):len(m.list)], allocation{a, data})
	return a
}

// Free gives back what Alloc returned, and tells how many bytes that are, or -1.
func (m *Memory) Free(address uint64) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, a := range m.list {
		if a.address == address {
			m.list = append(m.list[:i:i], m.list[i+1:]...)
			return len(a.data)
		}
	}
	return -1
}

// Live returns how many bytes are allocated.
func (m *Memory) Live() (n int) {
	for _, a := range m.snapshot() {
		n += len(a.data)
	}
	return n
}

func (m *Memory) snapshot() []allocation {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list
}

// Bytes returns n bytes at an address, or nil if they lie in no allocation.
func (m *Memory) Bytes(address uint64, n int) []byte {
	if a := find(m.snapshot(), address, n); a != nil {
		return a.at(address, n)
	}
	return nil
}

func find(list []allocation, address uint64, n int) *allocation {
	i := sort.Search(len(list), func(i int) bool { return list[i].address > address }) - 1
	if i < 0 || !list[i].holds(address, n) {
		return nil
	}
	return &list[i]
}

func (a *allocation) holds(address uint64, n int) bool {
	return address >= a.address && address+uint64(n) <= a.address+uint64(len(a.data))
}

func (a *allocation) at(address uint64, n int) []byte { return a.data[address-a.address:][:n] }

// global returns n bytes at an address that a lane uses.
func (w *warp) global(address uint64, n, lane int) []byte {
	aligned(address, n)
	if w.last == nil || !w.last.holds(address, n) {
		if w.last = find(w.memory, address, n); w.last == nil {
			panic(fmt.Sprintf("global memory: thread %d uses %d bytes at %#x, which are in no allocation", w.thread(lane), n, address))
		}
	}
	return w.last.at(address, n)
}

func aligned(address uint64, n int) {
	if address&uint64(n-1) != 0 { // n is a power of 2
		panic(misaligned{address, n})
	}
}

type misaligned struct {
	address uint64
	n       int
}

func (m misaligned) String() string {
	return fmt.Sprintf("%d bytes at %#x are not aligned", m.n, m.address)
}

// access is a load or a store.
func (p *parser) access(words, operands []string) (step, error) {
	loads, space, kind := words[0] == "ld", words[1], words[len(words)-1]
	for _, option := range words[2 : len(words)-1] {
		if option != "v2" && option != "v4" {
			return nil, fmt.Errorf("an option that is not known: %s", option)
		}
	}
	value, place := operands[0], operands[1]
	if !loads {
		value, place = place, value
	}
	registers, err := p.vector(value)
	if err != nil {
		return nil, err
	}
	base, offset, err := p.address(place)
	if err != nil {
		return nil, err
	}
	size := sizeOf(kind)
	n := size * len(registers)
	move := func(w *warp, b []byte, l int) {
		for i, s := range registers {
			if loads {
				w.r[s][l] = get(b[i*size:], size)
			} else {
				put(b[i*size:], size, w.r[s][l])
			}
		}
	}
	switch {
	case strings.HasPrefix(kind, "s") && size < 4:
		return nil, fmt.Errorf("a load that extends signs")
	case space == "param" && loads:
		return func(w *warp, mask uint32) {
			each(mask, func(l int) { move(w, w.parameters[w.r[base][l]+offset-parameterBase:][:n], l) })
		}, nil
	case space == "global":
		return func(w *warp, mask uint32) {
			each(mask, func(l int) { move(w, w.global(w.r[base][l]+offset, n, l), l) })
		}, nil
	case space == "shared":
		return func(w *warp, mask uint32) {
			each(mask, func(l int) { move(w, w.shared(w.r[base][l]+offset, n, l, !loads), l) })
		}, nil
	}
	return nil, fmt.Errorf("memory that is not known: %s", space)
}

func get(b []byte, size int) uint64 {
	switch size {
	case 2:
		return uint64(binary.LittleEndian.Uint16(b))
	case 4:
		return uint64(binary.LittleEndian.Uint32(b))
	case 8:
		return binary.LittleEndian.Uint64(b)
	}
	return uint64(b[0])
}

func put(b []byte, size int, v uint64) {
	switch size {
	case 2:
		binary.LittleEndian.PutUint16(b, uint16(v))
	case 4:
		binary.LittleEndian.PutUint32(b, uint32(v))
	case 8:
		binary.LittleEndian.PutUint64(b, v)
	default:
		b[0] = byte(v)
	}
}
