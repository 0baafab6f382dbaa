package cuda_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/cuda"
	"github.com/df65613c/easel/gpu/cuda/internal/fake"
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/reference"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// twin runs each kernel twice: its contract, and its PTX over allocations that are no
// longer than its bindings. What it must not write must stay the same.
type twin struct {
	*reference.Driver
	cuda    run.Driver
	limits  run.Limits
	library *fake.Library
	ran     int // kernels
}

func newTwin(t *testing.T, l *fake.Library) *twin {
	d, err := cuda.OpenBy(fake.Use(l), 0)
	require.NoError(t, err)
	limits := d.Limits()
	limits.Memory = 1 << 40
	w := &twin{Driver: reference.New(run.Limits{}), cuda: d, limits: limits, library: l}
	t.Cleanup(func() {
		require.NoError(t, d.Close())
		require.Empty(t, l.Live())
	})
	return w
}

func (w *twin) Limits() run.Limits { return w.limits }

type commands []run.Command

func (w *twin) Record(cmds []run.Command, _ bool) (run.Recorded, error) { return commands(cmds), nil }
func (w *twin) Release(run.Recorded)                                    {}

func (w *twin) Submit(r run.Recorded) (run.Ticket, error) {
	for _, c := range r.(commands) {
		var got [][]byte
		if c.Dispatch != nil {
			w.ran++
			var err error
			if got, err = w.launch(c.Dispatch); err != nil {
				return 0, err
			}
		}
		var before [][]byte
		for i := range got {
			before = append(before, bytes.Clone(w.bytes(c.Dispatch.Bindings[i])))
		}
		list, err := w.Driver.Record([]run.Command{c}, false)
		if err != nil {
			return 0, err
		}
		_, err = w.Driver.Submit(list)
		w.Driver.Release(list)
		if err != nil {
			return 0, err
		}
		for i := range got {
			if err := same(c.Dispatch, i, before[i], w.bytes(c.Dispatch.Bindings[i]), got[i]); err != nil {
				return 0, err
			}
		}
	}
	return 0, nil
}

func (w *twin) bytes(r run.Range) []byte { return w.Host(r.Buffer)[r.Offset:][:r.Size] }

// place is memory that some bindings of a kernel lie in.
type place struct {
	buffer   run.Buffer
	from, to int64
	device   run.Buffer
}

// places returns the memory of bindings; those that overlap lie in one.
func places(list []run.Range) (all []place) {
	for _, r := range list {
		p := place{r.Buffer, r.Offset, r.Offset + r.Size, nil}
		all = slices.DeleteFunc(all, func(o place) bool {
			if o.buffer != p.buffer || o.from >= p.to || p.from >= o.to {
				return false
			}
			p.from, p.to = min(p.from, o.from), max(p.to, o.to)
			return true
		})
		all = append(all, p)
	}
	return all
}

// launch runs the PTX of a kernel on copies of its bindings, and returns them.
func (w *twin) launch(d *run.Dispatch) (got [][]byte, err error) {
	var before, after []run.Command
	var made []run.Buffer
	alloc := func(n int64, k run.Kind) run.Buffer {
		b, e := w.cuda.Alloc(n, k)
		if e != nil {
			panic(e)
		}
		made = append(made, b)
		return b
	}
	defer func() {
		for _, b := range made {
			w.cuda.Free(b)
		}
	}()
	all := places(d.Bindings)
	for i := range all {
		p := &all[i]
		n := p.to - p.from
		p.device = alloc(n, run.Device)
		up := alloc(n, run.Upload)
		copy(w.cuda.Host(up), w.Host(p.buffer)[p.from:p.to])
		before = append(before, run.Command{From: run.Range{Buffer: up, Size: n}, To: run.Range{Buffer: p.device, Size: n}})
	}
	copied := *d
	copied.Bindings = nil
	for _, r := range d.Bindings {
		p := all[slices.IndexFunc(all, func(p place) bool { return p.buffer == r.Buffer && p.from <= r.Offset && r.Offset+r.Size <= p.to })]
		here := run.Range{Buffer: p.device, Offset: r.Offset - p.from, Size: r.Size}
		down := alloc(r.Size, run.Readback)
		copied.Bindings = append(copied.Bindings, here)
		after = append(after, run.Command{From: here, To: run.Range{Buffer: down, Size: r.Size}})
		got = append(got, w.cuda.Host(down))
	}
	cmds := slices.Concat(before, []run.Command{{Barrier: true, Dispatch: &copied}, {Barrier: true}}, after)
	list, err := w.cuda.Record(cmds, false)
	if err != nil {
		return nil, wrap(err, w.library)
	}
	defer w.cuda.Release(list)
	ticket, err := w.cuda.Submit(list)
	for done := false; err == nil && !done; {
		done, err = w.cuda.Wait(ticket, time.Second)
	}
	for i := range got {
		got[i] = bytes.Clone(got[i])
	}
	return got, wrap(err, w.library)
}

// halvesOf tells which bindings of a kernel are halves.
func halvesOf(v kernel.Variant) map[int]bool {
	half := func(i uint32) bool { return v.Spec[i] == uint32(kernel.F16) }
	switch v.Kernel {
	case kernel.Gemm:
		return map[int]bool{0: half(1), 1: half(2), 4: v.Spec[6]&kernel.ResidualF16 != 0, 5: half(3)}
	case kernel.LayerNorm:
		return map[int]bool{3: half(0)}
	case kernel.Moments:
		return map[int]bool{0: half(0)}
	case kernel.Norm:
		return map[int]bool{0: half(0), 2: half(1)}
	case kernel.Map:
		return map[int]bool{0: half(2), 1: half(3), 2: half(4)}
	case kernel.Attention:
		return map[int]bool{0: half(0), 1: half(1), 2: half(2), 3: half(3)}
	}
	return nil
}

// same compares a binding after the contract and after the PTX.
func same(d *run.Dispatch, binding int, before, want, got []byte) error {
	if bytes.Equal(want, got) {
		return nil
	}
	size, tolerance := 4, 2e-6
	value := func(b []byte) float64 { return float64(math.Float32frombits(binary.LittleEndian.Uint32(b))) }
	if halvesOf(d.Variant)[binding] {
		size = 2
		value = func(b []byte) float64 { return float64(convert.F16ToF32(binary.LittleEndian.Uint16(b))) }
	}
	if slices.Contains([]kernel.ID{kernel.Move, kernel.TokenRow}, d.Variant.Kernel) {
		return differs(d, binding, 0, 0, 0)
	}
	switch rounds := d.Variant.Kernel == kernel.Gemm && d.Variant.Spec[6]&kernel.MayRound != 0; {
	case rounds && !halvesOf(d.Variant)[0]:
		tolerance = 2e-3
	case rounds, size == 2, d.Variant.Kernel == kernel.Attention:
		tolerance = 1e-3
	}
	var squares, diff, norm float64
	for i := 0; i < len(want); i += size {
		if v := value(want[i : i+size]); !math.IsNaN(v) && !math.IsInf(v, 0) {
			squares += square(v)
		}
	}
	usual := math.Sqrt(squares / float64(len(want)/size)) // rounded products are off by a part of it
	for i := 0; i < len(want); i += size {
		b, w, g := before[i:i+size], want[i:i+size], got[i:i+size]
		if bytes.Equal(w, g) {
			norm += square(value(w))
			continue
		}
		// What the contract left as it was, or wrote again, may not be something else.
		if e := math.Abs(value(w) - value(g)); bytes.Equal(b, w) && e > 0.02*max(1, usual, math.Abs(value(w))) || math.IsNaN(e) {
			return differs(d, binding, i/size, value(w), value(g))
		}
		diff += square(value(w) - value(g))
		norm += square(value(w))
	}
	if !(math.Sqrt(diff) <= tolerance*math.Sqrt(norm)) {
		return differs(d, binding, -1, math.Sqrt(norm), math.Sqrt(diff))
	}
	return nil
}
