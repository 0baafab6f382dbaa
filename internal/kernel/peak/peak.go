// Package peak holds loops that only multiply and add in registers: how fast
// they run is the most that an instruction set can give.
package peak

import "math"

// Loop is a loop of one multiply-add instruction. It computes
//
//	for range n {
//		for lane := range out {
//			out[lane] += Adds products of the values in x and y
//		}
//	}
//
// over accumulators that it adds up in the end.
type Loop struct {
	Set   string // instruction set
	DType string // of the factors; sums are F32, or I32 of integers
	Lanes int
	Adds  int // in a lane and an iteration
	run   func(x, y uint32, n int, out *[16]uint32)
	one   uint32 // ones in a lane
}

// Ops returns the operations of an iteration: a multiplication and an addition
// for each product.
func (l Loop) Ops() float64 { return 2 * float64(l.Lanes*l.Adds) }

// Run does n iterations, n > 0, with factors of one.
func (l Loop) Run(n int) (out [16]uint32) {
	l.run(l.one, l.one, n, &out)
	return out
}

// Ones in the lanes of 32 bits.
const (
	onesI8   = 0x01010101
	onesBF16 = 0x3f803f80
)

var onesF32 = math.Float32bits(1)

// plain is the loop without vectors.
var plain = Loop{Set: "generic", DType: "F32", Lanes: 1, Adds: plainChains, run: runPlain, one: onesF32}

const plainChains = 8

func runPlain(x, y uint32, n int, out *[16]uint32) {
	a, b := math.Float32frombits(x), math.Float32frombits(y)
	var s0, s1, s2, s3, s4, s5, s6, s7 float32
	for range n {
		s0 += a * b
		s1 += a * b
		s2 += a * b
		s3 += a * b
		s4 += a * b
		s5 += a * b
		s6 += a * b
		s7 += a * b
	}
	out[0] = math.Float32bits(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7)
}
