package run

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
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
	wide        []float32
	made, moved []byte
}

func newRows(p pass.Param) (*rows, error) {
	w := p.Weight
	t, err := w.Load()
	if err != nil {
		return nil, fmt.Errorf("weight %s: %w", w.Name, err)
	}
	if !t.Shape().Equal(w.Shape) {
		return nil, fmt.Errorf("weight %s has shape %v, not %v", w.Name, t.Shape(), w.Shape)
	}
	f, ok := convert.Named(t.DType().String())
	if !ok {
		return nil, fmt.Errorf("weight %s is %s; the GPU backend takes F64, F32, F16, BF16, F8_E4M3 and F8_E5M2, I8 and F4 with scales, and GGUF's types", w.Name, t.DType())
	}
	if f.Scaled() && len(w.Shape) < 2 {
		return nil, fmt.Errorf("weight %s is %s; only matrices and kernels may be", w.Name, t.DType())
	}
	if !t.IsContiguous() {
		if f.Quantised() {
			return nil, fmt.Errorf("weight %s is %s with strides %v; a quantised weight must be contiguous", w.Name, t.DType(), t.Strides())
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
	if f.Scaled() {
		r.scales, err = loadScales(w)
	}
	return r, err
}

func loadScales(w *nn.Weight) (s convert.Scales, err error) {
	if err := w.CheckScale(); err != nil {
		return s, err
	}
	t, err := w.Scale.Load()
	if err != nil {
		return s, fmt.Errorf("weight %s: %w", w.Scale.Name, err)
	}
	if t.DType() == tensor.F16 {
		s.Blocks, err = tensor.Data[uint16](t)
		return s, err
	}
	s.Rows, err = tensor.Data[float32](t)
	for i, v := range s.Rows {
		if !(v >= 0 && v <= math.MaxFloat32) {
			return s, fmt.Errorf("weight %s: scale %d is %g, want 0 or more", w.Scale.Name, i, v)
		}
	}
	return s, err
}

// row returns row n, until the next one is asked for.
func (r *rows) row(n int) ([]byte, error) {
	made := r.made
	switch size := r.format.Size() * r.size; {
	case r.format == r.to:
		made = r.bytes[n*size : (n+1)*size]
	case r.format.Quantised():
		r.scales.Row(r.wide, unsafe.Pointer(unsafe.SliceData(r.bytes)), r.format, r.size, n, 0)
		convert.FromF32(made, r.wide, r.to)
	default:
		convert.ToF32(r.wide, r.bytes[n*size:(n+1)*size], r.format)
		convert.FromF32(made, r.wide, r.to)
	}
	if r.to == convert.F16 && r.format != convert.F16 {
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
