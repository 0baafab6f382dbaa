package run

import (
	"context"
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/kernel/gemm"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/internal/weights"
)

// maxHalf is the greatest number that a half holds.
const maxHalf = 65504

// read gives the bytes of a parameter as the device holds it, row by row, to put.
func read(p pass.Param, put func(row []byte) error) error {
	// A mapped file may be cut short while it is read.
	return parallel.Guard(func() error {
		r, err := newRows(p)
		if err != nil {
			return err
		}
		var rest []byte // a row of an odd number of halves ends within a word
		for n := range r.count {
			row, err := r.row(n)
			if err != nil {
				return err
			}
			if len(rest) == 0 && len(row)%4 == 0 {
				if err := put(row); err != nil {
					return err
				}
				continue
			}
			rest = append(rest, row...)
			whole := len(rest) &^ 3
			if n == r.count-1 {
				rest = append(rest, 0, 0, 0)
				whole = len(rest) &^ 3
			}
			if err := put(rest[:whole]); err != nil {
				return err
			}
			rest = append(rest[:0], rest[whole:]...)
		}
		return nil
	})
}

// channelsLast turns [I,taps] of elements of a size into [taps,I].
func channelsLast(dst, src []byte, channels, size int) {
	taps := len(src) / size / channels
	for i := range channels {
		for t := range taps {
			copy(dst[(t*channels+i)*size:][:size], src[(i*taps+t)*size:])
		}
	}
}

// rows reads rows of a weight of any stored type as a device holds them.
type rows struct {
	pass.Param
	bytes       []byte
	format      convert.Format // as it is stored
	to          convert.Format // as the device holds it
	scales      convert.Scales
	count, size int
	changed     *gemm.Matrix // of a weight with deltas
	wide        []float32
	made, moved []byte
}

func newRows(p pass.Param) (*rows, error) {
	w := p.Weight
	t, f, err := weights.LoadAny(w)
	if err != nil {
		return nil, err
	}
	if f.Scaled() && len(w.Shape) < 2 {
		return nil, fmt.Errorf("weight %s is %s; only matrices and kernels may be", w.Name, t.DType())
	}
	if !t.IsContiguous() {
		if f.Quantised() {
			return nil, fmt.Errorf("weight %s is %s with strides %v; a quantised weight must be contiguous", w.Name,
				t.DType(), t.Strides())
		}
		if t, err = t.Contiguous(); err != nil {
			return nil, fmt.Errorf("weight %s: %w", w.Name, err)
		}
	}
	r := &rows{Param: p, bytes: t.Bytes(), format: f, to: convert.F32, count: t.Shape()[0]}
	if len(w.Shape) == 1 {
		r.count = 1
	}
	if p.Format == kernel.F16 {
		r.to = convert.F16
	}
	r.size = t.NumElements() / r.count
	r.wide, r.made = make([]float32, r.size), make([]byte, r.size*r.to.Size())
	if p.Kernel {
		r.moved = make([]byte, len(r.made))
	}
	if w.Scale != nil || f.Scaled() {
		if r.scales, err = weights.Scales(w); err != nil {
			return nil, err
		}
	}
	if len(w.Deltas) > 0 {
		err = r.change()
	}
	return r, err
}

// change gives the rows the weight's deltas.
func (r *rows) change() error {
	if len(r.Weight.Shape) < 2 {
		v, err := weights.Vector(r.Weight)
		r.changed = &gemm.Matrix{Data: weights.Address(v), RowStride: len(v), ColStride: 1}
		return err
	}
	m := gemm.Matrix{Data: unsafe.Pointer(unsafe.SliceData(r.bytes)), Format: r.format, RowStride: r.size,
		ColStride: 1, Scales: r.scales}
	changes, err := weights.NewChanges(r.Weight, m)
	if err != nil {
		return err
	}
	pool := parallel.New(0)
	defer pool.Close()
	m.Changes, r.changed = &changes.Changes, &m
	return changes.Make(context.Background(), pool)
}

// row returns row n, until the next one is asked for.
func (r *rows) row(n int) ([]byte, error) {
	made := r.made
	switch size := r.format.Size() * r.size; {
	case r.changed != nil:
		r.changed.Row(r.wide, n, 0)
		convert.FromF32(made, r.wide, r.to)
	case r.format == r.to && r.scales.Rows == nil:
		made = r.bytes[n*size : (n+1)*size]
	case r.format.Quantised():
		r.scales.Row(r.wide, unsafe.Pointer(unsafe.SliceData(r.bytes)), r.format, r.size, n, 0)
		convert.FromF32(made, r.wide, r.to)
	default:
		convert.ToF32(r.wide, r.bytes[n*size:(n+1)*size], r.format)
		r.scales.ScaleRow(r.wide, n)
		convert.FromF32(made, r.wide, r.to)
	}
	if r.to == convert.F16 && (r.format != convert.F16 || r.changed != nil) {
		for _, v := range r.wide {
			if v > maxHalf || v < -maxHalf {
				return nil, fmt.Errorf("weight %s holds %g, which half precision does not: use f32", r.Weight.Name, v)
			}
		}
	}
	if r.Kernel {
		channelsLast(r.moved, made, r.Weight.Shape[1], r.to.Size())
		made = r.moved
	}
	return made, nil
}
