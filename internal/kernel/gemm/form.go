package gemm

import (
	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// form is what a step of k is, in A and in a panel.
type form uint8

const (
	single   form = iota // one float32
	rounded              // one float32, whose value bfloat16 has
	pairs                // two bfloat16
	integers             // one float32, whose value is an integer of 8 bits
	quads                // four integers of 8 bits, those of A plus 128
)

// CurrentBF16 returns the micro-kernel that multiplies values rounded to
// bfloat16 in the level in use, where sums are over multiples of k values. All
// its forms give the same sums up to the order and rounding of additions; only
// [TileBF16] takes subnormal numbers for 0.
func CurrentBF16(k int) Kernel {
	kn := Current()
	kn.form = rounded
	if cpu.BF16() && k%2 == 0 {
		kn.form = pairs
	}
	return kn
}

// Pairs reports whether the kernel reads A as bfloat16. Otherwise it reads
// float32.
func (kn Kernel) Pairs() bool { return kn.form == pairs }

// InPlace reports whether the kernel reads float32 as it is.
func (kn Kernel) InPlace() bool { return kn.form == single }

// Steps returns the steps of k that k values are.
func (kn Kernel) Steps(k int) int {
	switch kn.form {
	case pairs:
		return k / 2
	case quads:
		return ceilDiv(k, 4)
	}
	return k
}

// Rows are values in one of the formats of activations: F32, or BF16 if that is
// not nil.
type Rows struct {
	F32  []float32
	BF16 []uint16
}

// Stage copies values i to i+n into dst as the kernel reads A.
func (kn Kernel) Stage(dst []float32, r Rows, i, n int) {
	switch {
	case kn.form != pairs && r.BF16 != nil:
		convert.WidenBF16(dst[:n], r.BF16[i:])
	case kn.form != pairs:
		convert.RoundBF16(dst[:n], r.F32[i:][:n])
	case r.BF16 != nil:
		copy(halves(dst)[:n], r.BF16[i:])
	default:
		convert.NarrowBF16(halves(dst), r.F32[i:][:n])
	}
}
