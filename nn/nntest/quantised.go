package nntest

import (
	"encoding/binary"
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// quantised returns the values of numbers with scales beside them.
func quantised(t, scale *tensor.Tensor) ([]float64, error) {
	s, err := scale.Convert(tensor.F32)
	if err != nil {
		return nil, err
	}
	stored, scales := t.Bytes(), s.Float32s()
	v := make([]float64, t.NumElements())
	each := len(v) / len(scales)
	wide, _ := t.Convert(tensor.F32) // nil for F4
	for i := range v {
		if wide != nil {
			v[i] = float64(wide.Float32s()[i])
		} else {
			v[i] = e2m1(stored[i/2] >> (4 * (i % 2)) & 15)
		}
		v[i] *= float64(scales[i/each])
	}
	return v, nil
}

// e2m1 is a float of a sign, two bits of exponent and one of fraction.
func e2m1(b uint8) float64 {
	exponent, v := int(b>>1&3), float64(b&1)/2
	if exponent > 0 {
		v = math.Ldexp(1+v, exponent-1)
	}
	return math.Copysign(v, 0.5-float64(b>>3))
}

// blockedWeight returns random blocks.
func (r *source) blockedWeight(dt tensor.DType, shape ...int) *nn.Weight {
	t := tensor.New(dt, shape...)
	for i := range t.Bytes() {
		t.Bytes()[i] = byte(r.Uint32()) & 0x2f // keeps the scales, wherever they lie, ordinary numbers
	}
	if dt == tensor.NF4 || dt == tensor.FP4 { // whose scales have a wider range
		for b := t.Bytes(); len(b) > 0; {
			_, size := dt.Block()
			binary.LittleEndian.PutUint32(b, math.Float32bits(0.5+r.Float32()))
			b = b[size:]
		}
	}
	return nn.Param("w", t)
}

// quantisedWeight returns random numbers of the type with their scales: one for
// each row, or one for each block.
func (r *source) quantisedWeight(dt tensor.DType, blocks bool, shape ...int) *nn.Weight {
	if dt.Blocked() {
		return r.blockedWeight(dt, shape...)
	}
	t := tensor.New(dt, shape...)
	for i := range t.Bytes() {
		switch dt {
		case tensor.I8:
			t.Bytes()[i] = byte(int8(r.IntN(255) - 127))
		case tensor.F8E4M3:
			t.Bytes()[i] = byte(r.IntN(2)<<7 | r.IntN(0x60)) // up to 30
		default:
			t.Bytes()[i] = byte(r.Uint32())
		}
	}
	w := nn.Param("w", t)
	k := w.Shape[1:].NumElements()
	size, most := tensor.Shape{shape[0]}, float32(127)
	if blocks {
		size = append(size, k/nn.ScaleBlock)
	}
	if dt == tensor.F4 {
		most = 6
	}
	s := tensor.New(tensor.F32, size...)
	for i := range s.Float32s() {
		s.Float32s()[i] = (0.5 + r.Float32()) / most
	}
	if blocks {
		s, _ = s.Convert(tensor.F16) // floats convert
	}
	w.Scale = nn.Param("w_scale", s)
	return w
}

// quantisedCases are the operations that take quantised weights.
func quantisedCases() (list []testCase) {
	for _, kind := range []struct {
		name   string
		dt     tensor.DType
		blocks bool
	}{{"I8", tensor.I8, false}, {"I8 in blocks", tensor.I8, true}, {"F4", tensor.F4, true}, {"F8_E4M3", tensor.F8E4M3, false}, {"Q8_0", tensor.Q80, true}, {"Q5_1", tensor.Q51, true}} {
		list = append(list,
			testCase{"Linear/" + kind.name, func(g *nn.Graph, r *source) {
				x := g.Input("x", tensor.F32, 70, 96)
				g.Output("y", g.Linear(x, nn.Linear{Weight: r.quantisedWeight(kind.dt, kind.blocks, 41, 96)}))
			}},
			testCase{"Conv2D/" + kind.name, func(g *nn.Graph, r *source) {
				x := g.Input("x", tensor.F32, 1, 9, 10, 64)
				g.Output("3x3", g.Conv2D(x, nn.Conv2D{Weight: r.quantisedWeight(kind.dt, kind.blocks, 33, 64, 3, 3), Pad: nn.Pad(1)}))
				g.Output("1x1", g.Conv2D(x, nn.Conv2D{Weight: r.quantisedWeight(kind.dt, kind.blocks, 20, 64, 1, 1)}))
			}},
			testCase{"UpsampleConv2D/" + kind.name, func(g *nn.Graph, r *source) {
				x := g.Input("x", tensor.F32, 1, 5, 6, 32)
				g.Output("y", g.UpsampleConv2D(x, nn.UpsampleConv2D{Weight: r.quantisedWeight(kind.dt, kind.blocks, 17, 32, 3, 3)}))
			}})
	}
	for _, dt := range []tensor.DType{tensor.Q4K, tensor.NF4, tensor.FP4} { // rows of 96 begin inside blocks of 256, and of 64
		list = append(list, testCase{"Linear/" + dt.String(), func(g *nn.Graph, r *source) {
			x := g.Input("x", tensor.F32, 70, 96)
			g.Output("y", g.Linear(x, nn.Linear{Weight: r.blockedWeight(dt, 40, 96)}))
		}})
	}
	return list
}
