package ptxsim

import "fmt"

// unit is the least part of shared memory whose use is watched.
const unit = 4

// use is how a unit was used since the last barrier.
type use struct {
	epoch          uint32 // in which it was
	writer, reader int32  // threads, or none, or several
	pending        bool   // a copy to it was not waited for
}

const (
	none    = -1
	several = -2
)

// shared returns n bytes of shared memory that a lane uses. Two threads that use the same
// bytes between two barriers, and not both to read them, are an error.
func (w *warp) shared(address uint64, n, lane int, writes bool) []byte {
	at := w.place(address, n)
	w.touch(at, n, w.thread(lane), writes)
	return w.block.data[at:][:n]
}

// place returns where n bytes lie in shared memory.
func (b *block) place(address uint64, n int) int {
	aligned(address, n)
	at := address & (sharedBase - 1)
	if at+uint64(n) > uint64(len(b.data)) {
		panic(outside{n, at, len(b.data)})
	}
	return int(at)
}

type outside struct {
	n    int
	at   uint64
	size int
}

func (o outside) String() string {
	return fmt.Sprintf("shared memory: %d bytes at %d, of %d", o.n, o.at, o.size)
}

func (b *block) touch(at, n int, thread int32, writes bool) {
	for i := at / unit; i < (at+n+unit-1)/unit; i++ {
		u := &b.uses[i]
		if u.epoch != b.epoch {
			if u.pending {
				panic(early{thread, at})
			}
			*u = use{epoch: b.epoch, writer: none, reader: none}
		}
		if u.pending || u.writer != none && u.writer != thread || writes && u.reader != none && u.reader != thread {
			if u.pending {
				panic(early{thread, at})
			}
			panic(race{thread, at, *u})
		}
		switch {
		case writes:
			u.writer = thread
		case u.reader == none:
			u.reader = thread
		case u.reader != thread:
			u.reader = several
		}
	}
}

// early is a use of memory before the copy to it was waited for.
type early struct {
	thread int32
	at     int
}

func (e early) String() string {
	return fmt.Sprintf("shared memory: thread %d uses byte %d before the copy to it was waited for", e.thread, e.at)
}

// race is a use of memory that another thread used since the last barrier.
type race struct {
	thread int32
	at     int
	use
}

func (r race) String() string {
	return fmt.Sprintf("shared memory: no barrier between uses of byte %d: by thread %d now, before written by %d and read by %d (-1 is none, -2 several)",
		r.at, r.thread, r.writer, r.reader)
}

// copyAsync is cp.async: what it copies is there once it was waited for.
func (p *parser) copyAsync(words, operands []string) (step, error) {
	switch words[2] {
	case "commit_group":
		return func(w *warp, mask uint32) { w.groups, w.started = append(w.groups, w.started), nil }, nil
	case "wait_group":
		n, err := p.operand(operands[0])
		if err != nil {
			return nil, err
		}
		return func(w *warp, mask uint32) {
			for len(w.groups) > int(w.r[n][0]) {
				for _, c := range w.groups[0] {
					w.land(c)
				}
				w.groups = w.groups[1:]
			}
		}, nil
	case "cg":
	default:
		return nil, fmt.Errorf("a copy that is not known")
	}
	to, toOffset, err := p.address(operands[0])
	if err != nil {
		return nil, err
	}
	from, fromOffset, err := p.address(operands[1])
	if err != nil {
		return nil, err
	}
	if operands[2] != "16" || len(operands) != 4 {
		return nil, fmt.Errorf("a copy that is not known")
	}
	size, err := p.operand(operands[3])
	if err != nil {
		return nil, err
	}
	return func(w *warp, mask uint32) {
		each(mask, func(l int) {
			c := pendingCopy{at: w.place(w.r[to][l]+toOffset, 16), thread: w.thread(l)}
			if n := int(w.r[size][l]); n > 0 {
				copy(c.data[:n], w.global(w.r[from][l]+fromOffset, 16, l))
			}
			w.touch(c.at, 16, c.thread, true)
			for i := range 16 {
				w.block.data[c.at+i] = 0xff
			}
			for i := range 16 / unit {
				w.uses[c.at/unit+i].pending = true
			}
			w.started = append(w.started, c)
		})
	}, nil
}

type pendingCopy struct {
	at     int
	thread int32
	data   [16]byte
}

func (b *block) land(c pendingCopy) {
	copy(b.data[c.at:], c.data[:])
	for i := range 16 / unit {
		b.uses[c.at/unit+i] = use{epoch: b.epoch, writer: c.thread, reader: none}
	}
}
