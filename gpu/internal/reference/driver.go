// Package reference is a driver without a device: it runs the contract of each
// kernel. Memory that nothing wrote is NaN, and reading past a binding panics, so
// that it finds what is wrong with passes and their memory.
package reference

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/gpu/internal/run"
)

// Driver implements run.Driver.
type Driver struct {
	// Alloc and Submit fail with what these return for the n-th call, from 0 on; nil is none.
	AllocFault, SubmitFault func(n int) error
	OnSubmit                func() // is called before a list runs; nil is none

	limits run.Limits
	allocs int
	submit int
	live   int64 // bytes that are allocated
	lists  int   // recorded and not released
	ticket run.Ticket
}

// New returns a driver. Limits that are 0 are generous.
func New(l run.Limits) *Driver {
	for _, v := range []*int64{&l.Range, &l.Slab, &l.Memory} {
		if *v == 0 {
			*v = 1 << 40
		}
	}
	if l.Rate == 0 {
		l.Rate, l.Bytes = 1e9, 1e9
	}
	return &Driver{limits: l}
}

// Live returns the bytes and the lists that were not given back.
func (d *Driver) Live() (bytes int64, lists int) { return d.live, d.lists }

func (d *Driver) Name() string       { return "reference" }
func (d *Driver) Limits() run.Limits { return d.limits }

type buffer struct{ data []byte }

func (b *buffer) Size() int64 { return int64(len(b.data)) }

func (d *Driver) Alloc(bytes int64, k run.Kind) (run.Buffer, error) {
	if bytes%4 != 0 {
		return nil, fmt.Errorf("a buffer of %d bytes", bytes)
	}
	if d.AllocFault != nil {
		d.allocs++
		if err := d.AllocFault(d.allocs - 1); err != nil {
			return nil, err
		}
	}
	if d.live+bytes > d.limits.Memory {
		return nil, run.ErrMemory
	}
	b := &buffer{make([]byte, bytes)}
	for i := 0; i < len(b.data); i += 4 {
		binary.LittleEndian.PutUint32(b.data[i:], math.Float32bits(float32(math.NaN())))
	}
	d.live += bytes
	return b, nil
}

func (d *Driver) Free(b run.Buffer) { d.live -= b.Size() }

func (d *Driver) Host(b run.Buffer) []byte { return b.(*buffer).data }

func (d *Driver) Prepare(kernel.Variant) error { return nil }

type list []run.Command

func (d *Driver) Record(cmds []run.Command, _ bool) (run.Recorded, error) {
	d.lists++
	return list(cmds), nil
}

func (d *Driver) Release(run.Recorded) { d.lists-- }

// Submit runs the commands.
func (d *Driver) Submit(r run.Recorded) (run.Ticket, error) {
	if d.OnSubmit != nil {
		d.OnSubmit()
	}
	if d.SubmitFault != nil {
		d.submit++
		if err := d.SubmitFault(d.submit - 1); err != nil {
			return 0, err
		}
	}
	for _, c := range r.(list) {
		switch {
		case c.Dispatch != nil:
			d.dispatch(c.Dispatch)
		case c.From.Buffer != nil:
			copy(at(c.To), at(c.From))
		}
	}
	d.ticket++
	return d.ticket, nil
}

func (d *Driver) dispatch(p *run.Dispatch) {
	var bindings [][]byte
	for _, r := range p.Bindings {
		if r.Offset%pass.Align != 0 || r.Size > d.limits.Range {
			panic(fmt.Sprintf("%s: a binding of %d bytes at %d", p.Variant, r.Size, r.Offset))
		}
		bindings = append(bindings, at(r))
	}
	kernel.Run(p.Variant, p.Params, bindings)
}

func at(r run.Range) []byte {
	return r.Buffer.(*buffer).data[r.Offset : r.Offset+r.Size : r.Offset+r.Size]
}

func (d *Driver) Wait(run.Ticket, time.Duration) (bool, error) { return true, nil }

func (d *Driver) Times(r run.Recorded) ([]time.Duration, error) {
	n := 0
	for _, c := range r.(list) {
		if c.Dispatch != nil {
			n++
		}
	}
	return make([]time.Duration, n), nil
}

func (d *Driver) Close() error { return nil }
