package run

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/profile"
	"github.com/df65613c/easel/tensor"
)

// Options adjusts a backend. The zero value is good.
type Options struct {
	Precision nn.Precision     // F32, F16 or Auto; "" is Auto, which is F16
	Memory    int64            // bytes of the device that may be used; 0 is what its driver says
	Profile   *profile.Profile // takes the time of every operation; nil is none
	Staged    bool             // copy weights by way of the host's memory even where the device's is visible
}

// Precisions lists the precisions that the backend has.
func Precisions() []string {
	return []string{string(nn.Auto), string(nn.F32), string(nn.F16)}
}

// Backend runs graphs on a device. It is safe for concurrent use.
type Backend struct {
	driver    Driver
	limits    Limits
	precision nn.Precision
	profile   *profile.Profile
	staged    bool

	mu      sync.Mutex // held for each call of the driver but Wait
	used    int64      // bytes that are allocated
	weights map[weightKey]*weight
	holders map[*executable]uint64 // that hold memory, and when they ran
	clock   uint64                 // counts uses of weights and runs
	arena   arena
	lost    error // final
	closed  bool
}

// weightKey is what makes two parameters the same on the device.
type weightKey struct {
	source any
	pass.Param
}

type weight struct {
	slot
	users int
	last  uint64 // when it was used
}

// New returns a backend on a driver, which it closes.
func New(d Driver, o Options) (*Backend, error) {
	b := &Backend{driver: d, limits: d.Limits(), precision: o.Precision, profile: o.Profile, staged: o.Staged,
		weights: make(map[weightKey]*weight), holders: make(map[*executable]uint64)}
	switch o.Precision {
	case "", nn.Auto:
		b.precision = nn.F16
	case nn.F32, nn.F16:
	default:
		return nil, fmt.Errorf("%s: no precision %q; there are %v", d.Name(), o.Precision, Precisions())
	}
	if o.Memory > 0 {
		b.limits.Memory = min(b.limits.Memory, o.Memory)
	}
	b.limits.Slab = min(b.limits.Slab, b.limits.Memory)
	return b, nil
}

// Name returns for example "vulkan (llvmpipe, f16)".
func (b *Backend) Name() string { return fmt.Sprintf("%s, %s", b.driver.Name(), b.precision) }

// Supports reports whether the backend has the operation: all of them, on F32.
func (b *Backend) Supports(op nn.Op, dt tensor.DType) bool {
	if _, ok := op.(nn.Cast); ok {
		return dt == tensor.F32 || dt == tensor.I32
	}
	return dt == tensor.F32
}

// Shares of a program's values, for nn.Streaming: images are made in parts around
// convolutions that take more, and a share of them is made again rather than kept.
var arrangements = []struct{ cut, drop float64 }{{0, 0}, {0.55, 0}, {0.55, 0.25}, {0.55, 0.375}, {0.3, 0.75}, {0.3, 1}}

// Compile turns a program into passes, with large images in parts if it does not fit.
func (b *Backend) Compile(ctx context.Context, p *nn.Program, o nn.CompileOptions) (nn.Executable, error) {
	if err := b.fault(); err != nil {
		return nil, err
	}
	limit := b.limits.Memory
	if o.Memory > 0 {
		limit = min(limit, o.Memory)
	}
	whole := nn.NewPlan(p, nn.PlanOptions{Unordered: true}).Size
	least, tooLarge := int64(0), error(nil)
	for _, a := range arrangements {
		program := p
		if a.cut > 0 {
			s := nn.Streaming{Bytes: (*nn.Value).Bytes, Limit: int(a.cut * float64(whole)), Drop: a.drop}
			if program, _ = nn.Stream(p, s); program == nil {
				continue
			}
		}
		var passes *pass.Program
		err := parallel.Guard(func() (err error) { // small weights are read from mapped files
			passes, err = pass.Compile(ctx, program, b.precision, b.limits.Limits)
			return err
		})
		var large *nn.MemoryError
		switch {
		case errors.As(err, &large):
			tooLarge = err
			least = minLeast(least, large.Least)
			continue
		case err != nil:
			return nil, fmt.Errorf("%s: %w", b.driver.Name(), err)
		}
		e := newExecutable(b, program, passes)
		f := e.Footprint()
		if need := f.Total() + f.Resident; f.Total() > limit || need > b.limits.Memory {
			tooLarge = &nn.MemoryError{Limit: limit}
			least = minLeast(least, need)
			continue
		}
		return e, b.prepare(ctx, passes)
	}
	return nil, fmt.Errorf("%s: %w", b.driver.Name(), memoryError(tooLarge, limit, least))
}

func minLeast(a, b int64) int64 {
	if a == 0 {
		return b
	}
	return min(a, b)
}

func memoryError(err error, limit, least int64) error {
	var large *nn.MemoryError
	if errors.As(err, &large) {
		return &nn.MemoryError{Limit: limit, Least: least}
	}
	return err
}

// prepare makes the kernels of a program ready.
func (b *Backend) prepare(ctx context.Context, p *pass.Program) error {
	for i := range p.Stages {
		for j := range p.Stages[i].Passes {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := b.locked(func() error { return b.driver.Prepare(p.Stages[i].Passes[j].Variant) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// fault returns why the backend can't be used, or nil.
func (b *Backend) fault() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return fmt.Errorf("%s: the backend is closed: %w", b.driver.Name(), os.ErrClosed)
	}
	return b.lost
}

// locked calls the driver. A lost device stays lost.
func (b *Backend) locked(f func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.lost != nil {
		return b.lost
	}
	return b.note(f())
}

// note remembers that the device is lost.
func (b *Backend) note(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("%s: %w", b.driver.Name(), err)
	if errors.Is(err, ErrLost) && b.lost == nil {
		b.lost = err
	}
	return err
}

// alloc returns memory, for which room is made if need be.
func (b *Backend) alloc(bytes int64, k Kind) (Buffer, error) {
	for {
		m, err := b.try(bytes, k)
		if err == nil || !errors.Is(err, ErrMemory) || !b.reclaim() {
			return m, err
		}
	}
}

// part returns a part of the arena, for which room is made if need be.
func (b *Backend) part(bytes int64) (slot, error) {
	for {
		s, err := b.arena.alloc(bytes, func(bytes int64) (Buffer, error) { return b.try(bytes, Device) })
		if err == nil || !errors.Is(err, ErrMemory) || !b.reclaim() {
			return s, err
		}
	}
}

// try returns memory if there is room.
func (b *Backend) try(bytes int64, k Kind) (Buffer, error) {
	if b.used+bytes > b.limits.Memory {
		return nil, fmt.Errorf("%d bytes: %w: %d MiB of %d MiB are in use", bytes, ErrMemory, b.used>>20, b.limits.Memory>>20)
	}
	m, err := b.driver.Alloc(bytes, k)
	if err != nil {
		return nil, fmt.Errorf("%d bytes: %w", bytes, err)
	}
	b.used += m.Size()
	return m, nil
}

// reclaim makes room: it drops a weight that nothing uses, or else what an executable
// holds that does not run, which takes it again at its next run. It reports whether there was one.
func (b *Backend) reclaim() bool {
	if b.evict() {
		return true
	}
	idle := slices.SortedFunc(maps.Keys(b.holders), func(x, y *executable) int { return cmp.Compare(b.holders[x], b.holders[y]) })
	for _, e := range idle {
		if e.mu.TryLock() { // it does not run
			e.drop()
			e.mu.Unlock()
			return true
		}
	}
	return false
}

func (b *Backend) free(m Buffer) {
	b.used -= m.Size()
	b.driver.Free(m)
}

// evict drops the weight that was used least recently of those that nothing uses.
func (b *Backend) evict() bool {
	var oldest weightKey
	found := false
	for key, w := range b.weights {
		if w.users == 0 && (!found || w.last < b.weights[oldest].last) {
			oldest, found = key, true
		}
	}
	if found {
		b.arena.release(b.weights[oldest].slot, b.free)
		delete(b.weights, oldest)
	}
	return found
}

// Trim gives back the memory of weights that no executable uses.
func (b *Backend) Trim() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.evict() {
	}
}

// use returns a weight on the device, which it copies there unless it is there.
func (b *Backend) use(ctx context.Context, p pass.Param) (weightKey, *weight, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := weightKey{p.Weight.Source, p}
	if key.source != nil {
		key.Weight = nil
	}
	b.clock++
	if w := b.weights[key]; w != nil {
		w.users++
		w.last = b.clock
		return key, w, nil
	}
	s, err := b.part(p.Bytes())
	if err == nil {
		if err = b.fill(ctx, p, s); err != nil {
			b.arena.release(s, b.free)
		}
	}
	if err != nil {
		return key, nil, b.note(err)
	}
	w := &weight{slot: s, users: 1, last: b.clock}
	b.weights[key] = w
	return key, w, nil
}

// done says that an executable does not use a weight any more.
func (b *Backend) done(key weightKey) {
	if w := b.weights[key]; w != nil {
		w.users--
	}
}

// stagingSize is how much of a weight is copied at a time.
const stagingSize = 32 << 20

// fill copies a parameter to the device.
func (b *Backend) fill(ctx context.Context, p pass.Param, s slot) error {
	if b.limits.Unified && !b.staged {
		to := b.driver.Host(s.buffer())[s.offset : s.offset+s.size]
		return read(p, func(row []byte) error {
			copy(to, row)
			to = to[len(row):]
			return ctx.Err()
		})
	}
	staging, err := b.alloc(min(s.size, stagingSize), Upload)
	if err != nil {
		return err
	}
	defer b.free(staging)
	host, at, from := b.driver.Host(staging), 0, s.offset
	flush := func() error {
		if at == 0 {
			return nil
		}
		err := b.once(ctx, Command{From: Range{staging, 0, int64(at)}, To: Range{s.buffer(), from, int64(at)}})
		from += int64(at)
		at = 0
		return err
	}
	err = read(p, func(row []byte) error {
		for len(row) > 0 {
			n := copy(host[at:], row)
			row, at = row[n:], at+n
			if at == len(host) {
				if err := flush(); err != nil {
					return err
				}
			}
		}
		return nil
	})
	return errors.Join(err, flush())
}

// once submits commands and waits. The lock is held.
func (b *Backend) once(ctx context.Context, cmds ...Command) error {
	r, err := b.driver.Record(append([]Command{{Barrier: true}}, cmds...), false)
	if err != nil {
		return err
	}
	defer b.driver.Release(r)
	t, err := b.driver.Submit(r)
	if err != nil {
		return err
	}
	return errors.Join(b.wait(t), ctx.Err())
}

// patience is how long a wait lasts at most before it looks whether it is still wanted.
const patience = 20 * time.Millisecond

// wait waits for a submission to its end: its memory is in use until then.
func (b *Backend) wait(t Ticket) error {
	for {
		if done, err := b.driver.Wait(t, patience); done || err != nil {
			return err
		}
	}
}

// New makes memory on the device.
func (b *Backend) New(dt tensor.DType, shape ...int) (nn.Memory, error) {
	s := tensor.Shape(slices.Clone(shape))
	if err := s.Check(); err != nil {
		return nil, err
	}
	n, err := dt.ByteLen(s.NumElements())
	if err != nil {
		return nil, err
	}
	if dt.Size() != 4 {
		return nil, fmt.Errorf("%s: memory of %s; values of programs are F32 or I32", b.driver.Name(), dt)
	}
	m := &memory{backend: b, dtype: dt, shape: s}
	err = b.locked(func() (err error) {
		m.slot, err = b.part(int64(max(n, 4)))
		return err
	})
	if err != nil {
		return nil, err
	}
	return m, nil
}

// memory is a value on the device.
type memory struct {
	slot
	backend *Backend
	dtype   tensor.DType
	shape   tensor.Shape
	closed  bool
}

func (m *memory) DType() tensor.DType { return m.dtype }
func (m *memory) Shape() tensor.Shape { return m.shape }

// Close gives the memory back.
func (m *memory) Close() error {
	m.backend.mu.Lock()
	defer m.backend.mu.Unlock()
	if !m.closed && !m.backend.closed {
		m.backend.arena.release(m.slot, m.backend.free)
	}
	m.closed = true
	return nil
}

// Used returns the bytes of the device that are in use.
func (b *Backend) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used
}

// Close frees the device. Executables must be closed before.
func (b *Backend) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	for b.evict() {
	}
	b.closed = true
	return b.driver.Close()
}
