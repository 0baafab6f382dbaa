package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// executable is a program on a device.
type executable struct {
	backend   *Backend
	program   *nn.Program
	passes    *pass.Program
	footprint nn.Footprint
	up, down  []int64 // where inputs and results of host nodes lie in upload, and outputs in readback
	hosts     []int64

	mu               sync.Mutex
	closed           bool
	slab             Buffer // nil until it is prepared
	upload, readback Buffer
	params           []weightKey
	stages           []stage
	memories         []*memory // which the copies before and after the stages are recorded for
	before, after    Recorded
}

// stage is a host node that needs what the device made, if there is one, and segments.
type stage struct {
	host     *pass.Host
	place    int64 // of its result in upload
	fetch    Recorded
	send     Recorded
	segments []segment
}

func newExecutable(b *Backend, program *nn.Program, p *pass.Program) *executable {
	e := &executable{backend: b, program: program, passes: p}
	var in, out int64
	reserve := func(total *int64, size int64) int64 {
		at := *total
		*total += (size + pass.Align - 1) &^ (pass.Align - 1)
		return at
	}
	for _, r := range p.Inputs {
		e.up = append(e.up, reserve(&in, r.Size))
	}
	for _, s := range p.Stages {
		at := int64(0)
		if s.Host != nil {
			at = reserve(&in, s.Host.Out.Size)
			if s.Host.Input < 0 {
				reserve(&out, s.Host.In.Size)
			}
		}
		e.hosts = append(e.hosts, at)
	}
	for _, r := range p.Outputs {
		e.down = append(e.down, reserve(&out, r.Size))
	}
	e.footprint = nn.Footprint{Activations: p.Slab, Scratch: in + out}
	seen := make(map[*nn.Weight]bool)
	for _, q := range p.Params {
		e.footprint.Resident += (q.Bytes() + pass.Align - 1) &^ (pass.Align - 1)
		if w := q.Weight; !seen[w] {
			seen[w] = true
			if n, err := w.DType.ByteLen(w.Shape.NumElements()); err == nil {
				e.footprint.Weights += int64(n)
			}
		}
	}
	return e
}

// Footprint implements nn.Executable.
func (e *executable) Footprint() nn.Footprint { return e.footprint }

// scratch returns the sizes of the buffers that the host sees.
func (e *executable) scratch() (up, down int64) {
	for i, at := range e.up {
		up = max(up, at+e.passes.Inputs[i].Size)
	}
	for i, s := range e.passes.Stages {
		if s.Host == nil {
			continue
		}
		up = max(up, e.hosts[i]+s.Host.Out.Size)
		down = max(down, s.Host.In.Size)
	}
	for i, at := range e.down {
		down = max(down, at+e.passes.Outputs[i].Size)
	}
	return max(up, 4), max(down, 4)
}

// prepare takes the memory of the device, copies weights there, and records the
// passes. It waits for the first run, so that a program that is only planned
// takes no memory.
func (e *executable) prepare(ctx context.Context) (err error) {
	defer func() {
		if err != nil {
			e.release()
		}
	}()
	b := e.backend
	up, down := e.scratch()
	err = b.locked(func() (err error) {
		if e.upload, err = b.alloc(up, Upload); err != nil {
			return err
		}
		if e.readback, err = b.alloc(down, Readback); err != nil {
			return err
		}
		e.slab, err = b.alloc(e.passes.Slab, Device)
		return err
	})
	if err != nil {
		return err
	}
	weights := make([]*weight, len(e.passes.Params))
	for i, p := range e.passes.Params {
		if err := ctx.Err(); err != nil {
			return err
		}
		key, w, err := b.use(ctx, p)
		if err != nil {
			return err
		}
		e.params, weights[i] = append(e.params, key), w
	}
	for i, s := range e.passes.Stages {
		st := stage{place: e.hosts[i]}
		if s.Host != nil && s.Host.Input < 0 {
			st.host = s.Host
			if st.fetch, err = e.record(Command{Barrier: true, From: e.at(s.Host.In),
				To: Range{e.readback, 0, s.Host.In.Size}}); err != nil {
				return err
			}
			if st.send, err = e.record(Command{Barrier: true, From: Range{e.upload, st.place, s.Host.Out.Size},
				To: e.at(s.Host.Out)}); err != nil {
				err = errors.Join(err, b.locked(func() error { b.driver.Release(st.fetch); return nil }))
				return err
			}
		}
		e.stages = append(e.stages, st)
		if err := e.segment(&e.stages[i], s.Passes, weights); err != nil {
			return err
		}
	}
	return nil
}

// holds notes that an executable holds memory, and runs now.
func (b *Backend) holds(e *executable) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock++
	b.holders[e] = b.clock
}

// at returns a region of the slab.
func (e *executable) at(r pass.Region) Range { return Range{e.slab, r.Offset, r.Size} }

func (e *executable) record(cmds ...Command) (r Recorded, err error) {
	err = e.backend.locked(func() error { r, err = e.backend.driver.Record(cmds, false); return err })
	return r, err
}

// release gives back what prepare took.
func (e *executable) release() {
	e.backend.mu.Lock()
	defer e.backend.mu.Unlock()
	e.drop()
}

// drop is release for a caller that holds the backend's lock.
func (e *executable) drop() {
	b := e.backend
	delete(b.holders, e)
	drop := func(r Recorded) {
		if r != nil {
			b.driver.Release(r)
		}
	}
	for _, s := range e.stages {
		drop(s.fetch)
		drop(s.send)
		for _, g := range s.segments {
			drop(g.recorded)
		}
	}
	drop(e.before)
	drop(e.after)
	for _, key := range e.params {
		b.done(key)
	}
	for _, m := range []Buffer{e.slab, e.upload, e.readback} {
		if m != nil {
			b.free(m)
		}
	}
	e.stages, e.before, e.after, e.memories, e.params = nil, nil, nil, nil, nil
	e.slab, e.upload, e.readback = nil, nil, nil
}

// Run implements nn.Executable.
func (e *executable) Run(ctx context.Context, dst, src []nn.Memory) error {
	if err := e.program.CheckRun(dst, src); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.backend
	if e.closed {
		return fmt.Errorf("%s: the executable is closed: %w", b.driver.Name(), os.ErrClosed)
	}
	if err := b.fault(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.slab == nil {
		if err := e.prepare(ctx); err != nil {
			return err
		}
	}
	b.holds(e)
	if err := e.copies(dst, src); err != nil {
		return err
	}
	host := b.host(e.upload)
	for i, m := range src {
		if t, ok := m.(*tensor.Tensor); ok {
			copy(host[e.up[i]:], t.Bytes())
		}
	}
	for i, s := range e.passes.Stages {
		if s.Host == nil || s.Host.Input < 0 {
			continue
		}
		t, ok := src[s.Host.Input].(*tensor.Tensor)
		if !ok {
			return fmt.Errorf("%s: input %s of %s must be a tensor", b.driver.Name(), e.program.Inputs[s.Host.Input].Name, s.Host.Op)
		}
		if err := compute(s.Host, host[e.hosts[i]:], t.Bytes()); err != nil {
			return err
		}
	}
	flight := flight{backend: b}
	err := e.work(ctx, &flight)
	if err = errors.Join(err, flight.land()); err != nil {
		return err
	}
	back := b.host(e.readback)
	for i, m := range dst {
		if t, ok := m.(*tensor.Tensor); ok {
			copy(t.Bytes(), back[e.down[i]:])
		}
	}
	return ctx.Err()
}

// compute runs a host node. It may read a mapped file, which may be cut short meanwhile.
func compute(h *pass.Host, dst, src []byte) error {
	return parallel.Guard(func() error { return h.Compute(dst[:h.Out.Size], src) })
}

// work submits all there is to do.
func (e *executable) work(ctx context.Context, f *flight) error {
	if err := f.submit(ctx, segment{recorded: e.before}); err != nil {
		return err
	}
	for i := range e.stages {
		s := &e.stages[i]
		if s.host != nil {
			if err := f.submit(ctx, segment{recorded: s.fetch}); err != nil {
				return err
			}
			if err := f.land(); err != nil {
				return err
			}
			b := e.backend
			if err := compute(s.host, b.host(e.upload)[s.place:], b.host(e.readback)[:s.host.In.Size]); err != nil {
				return err
			}
			if err := f.submit(ctx, segment{recorded: s.send}); err != nil {
				return err
			}
		}
		for _, g := range s.segments {
			if err := f.submit(ctx, g); err != nil {
				return err
			}
		}
	}
	return f.submit(ctx, segment{recorded: e.after})
}

// copies records what is copied before and after the passes, unless it is as in the
// run before.
func (e *executable) copies(dst, src []nn.Memory) error {
	b := e.backend
	var memories []*memory
	for i, m := range slices.Concat(src, dst) {
		switch m := m.(type) {
		case *tensor.Tensor:
			memories = append(memories, nil)
		case *memory:
			if m.backend != b {
				return fmt.Errorf("%s: operand %d is memory of another device", b.driver.Name(), i)
			}
			if m.closed {
				return fmt.Errorf("%s: operand %d is freed: %w", b.driver.Name(), i, os.ErrClosed)
			}
			memories = append(memories, m)
		default:
			return fmt.Errorf("%s: operand %d is memory of another backend", b.driver.Name(), i)
		}
	}
	if e.before != nil && slices.Equal(memories, e.memories) {
		return nil
	}
	before, after := []Command{{Barrier: true}}, []Command{{Barrier: true}}
	for i, m := range memories[:len(src)] {
		r := e.passes.Inputs[i]
		from := Range{e.upload, e.up[i], r.Size}
		if m != nil {
			from = Range{m.buffer(), m.offset, r.Size}
		}
		before = append(before, Command{From: from, To: e.at(r)})
	}
	for i, s := range e.passes.Stages {
		if s.Host != nil && s.Host.Input >= 0 {
			before = append(before, Command{From: Range{e.upload, e.hosts[i], s.Host.Out.Size}, To: e.at(s.Host.Out)})
		}
	}
	for i, m := range memories[len(src):] {
		r := e.passes.Outputs[i]
		to := Range{e.readback, e.down[i], r.Size}
		if m != nil {
			to = Range{m.buffer(), m.offset, r.Size}
		}
		after = append(after, Command{From: e.at(r), To: to})
	}
	after = append(after, Command{Barrier: true}) // before the host reads
	first, err := e.record(before...)
	if err != nil {
		return err
	}
	last, err := e.record(after...)
	return b.locked(func() error {
		if err != nil {
			b.driver.Release(first)
			return err
		}
		if e.before != nil {
			b.driver.Release(e.before)
			b.driver.Release(e.after)
		}
		e.before, e.after, e.memories = first, last, memories
		return nil
	})
}

// host returns the bytes of a buffer.
func (b *Backend) host(m Buffer) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.driver.Host(m)
}

// Close implements nn.Executable.
func (e *executable) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.closed {
		e.closed = true
		e.release()
	}
	return nil
}
