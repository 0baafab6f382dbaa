package ptxsim

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
)

// block is the state of a block of threads.
type block struct {
	memory     []allocation
	parameters []byte
	data       []byte // shared memory
	uses       []use  // of it
	epoch      uint32 // counts barriers
	warps      []*warp
}

type warp struct {
	*block
	index   int
	r       []register
	pc      [lanes]int
	live    uint32 // lanes that have not ended
	waiting uint32 // lanes at a barrier
	last    *allocation
	started []pendingCopy   // copies that are in no group
	groups  [][]pendingCopy // that were not waited for
}

func (w *warp) thread(lane int) int32 { return int32(w.index*lanes + lane) }

// pool keeps the states of blocks: to make them takes longer than to run a small one.
type pool struct{ sync.Pool }

// Launch runs blocks of threads; parameters are those of the kernel, as bytes.
func (k *Kernel) Launch(m *Memory, blocks, threads, dynamicShared int, parameters []byte) error {
	if threads%lanes != 0 || len(parameters) != k.size {
		return fmt.Errorf("%s: %d threads and %d bytes of parameters, want %d", k.Name, threads, len(parameters), k.size)
	}
	memory := m.snapshot()
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range min(blocks, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			b, _ := k.blocks.Get().(*block)
			if b == nil || len(b.data) != k.shared+dynamicShared || len(b.warps) != threads/lanes {
				b = k.newBlock(threads, dynamicShared)
			}
			b.memory, b.parameters = memory, parameters
			for failed.Load() == nil {
				i := int(next.Add(1) - 1)
				if i >= blocks {
					break
				}
				b.start(k, i, threads, blocks)
				if err := b.run(k); err != nil {
					err = fmt.Errorf("%s, block %d: %w", k.Name, i, err)
					failed.CompareAndSwap(nil, &err)
					return // its state is not used again
				}
			}
			k.blocks.Put(b)
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return *err
	}
	return nil
}

func (k *Kernel) newBlock(threads, dynamicShared int) *block {
	size := k.shared + dynamicShared
	b := &block{data: make([]byte, size), uses: make([]use, (size+unit-1)/unit)}
	for i := range threads / lanes {
		w := &warp{block: b, index: i, r: make([]register, k.slots)}
		for s, v := range k.constants {
			for l := range lanes {
				w.r[s][l] = v
			}
		}
		b.warps = append(b.warps, w)
	}
	return b
}

// start sets the state to the start of a block.
func (b *block) start(k *Kernel, index, threads, blocks int) {
	for i := range b.data {
		b.data[i] = 0xff // memory that was not written is NaN
	}
	b.epoch++
	clear(b.uses)
	for _, w := range b.warps {
		w.pc, w.live, w.waiting, w.last, w.started, w.groups = [lanes]int{}, math.MaxUint32, 0, nil, nil, nil
		for s, name := range k.special {
			for l := range lanes {
				switch name {
				case "%tid.x":
					w.r[s][l] = uint64(w.thread(l))
				case "%ctaid.x":
					w.r[s][l] = uint64(index)
				case "%ntid.x":
					w.r[s][l] = uint64(threads)
				case "%nctaid.x":
					w.r[s][l] = uint64(blocks)
				case "%tid.y", "%tid.z", "%ctaid.y", "%ctaid.z":
					w.r[s][l] = 0
				default:
					panic("a register that is not known: " + name)
				}
			}
		}
	}
}

// run runs a block to its end.
func (b *block) run(k *Kernel) (err error) {
	var at string
	defer func() {
		if e := recover(); e != nil {
			if _, bug := e.(runtime.Error); bug {
				panic(e)
			}
			err = fmt.Errorf("%v, at %s", e, at)
		}
	}()
	for {
		live := 0
		for _, w := range b.warps {
			w.run(k, &at)
			if w.live != 0 {
				live++
			}
		}
		if live == 0 {
			return nil
		}
		pc := -1
		for _, w := range b.warps {
			if w.waiting != math.MaxUint32 {
				return fmt.Errorf("a barrier that not all threads reach")
			}
			for l := range lanes {
				if pc >= 0 && w.pc[l] != pc {
					return fmt.Errorf("threads wait at different barriers")
				}
				pc = w.pc[l]
				w.pc[l]++
			}
			w.waiting = 0
		}
		b.epoch++
	}
}

// run runs a warp until all lanes that are left wait at a barrier.
func (w *warp) run(k *Kernel, at *string) {
	for {
		active := w.live &^ w.waiting
		if active == 0 {
			return
		}
		pc, mask := math.MaxInt, uint32(0)
		for l := range lanes {
			if active>>l&1 == 0 {
				continue
			}
			if w.pc[l] < pc {
				pc, mask = w.pc[l], 0
			}
			if w.pc[l] == pc {
				mask |= 1 << l
			}
		}
		w.straight(k, pc, mask, active, at)
	}
}

// straight runs the lanes of mask from pc on, as long as none of the others could join.
func (w *warp) straight(k *Kernel, pc int, mask, active uint32, at *string) {
	set := func(mask uint32, pc int) { each(mask, func(l int) { w.pc[l] = pc }) }
	for {
		in := &k.code[pc]
		*at = in.text
		doing := mask
		if in.guard >= 0 {
			g := &w.r[in.guard]
			doing = 0
			each(mask, func(l int) {
				if (g[l]&1 != 0) != in.not {
					doing |= 1 << l
				}
			})
		}
		switch in.kind {
		case plain:
			if doing != 0 {
				in.do(w, doing)
			}
			pc++
		case branch:
			if doing == mask && mask == active {
				pc = in.target
				continue
			}
			set(mask&^doing, pc+1)
			set(doing, in.target)
			if doing == 0 && mask == active {
				pc++
				continue
			}
			return
		case barrier:
			if doing != mask {
				panic("a barrier with a guard")
			}
			w.waiting |= mask
			set(mask, pc)
			return
		case exit:
			w.live &^= doing
			set(mask, pc+1)
			return
		}
		if mask != active {
			set(mask, pc)
			return
		}
	}
}
