package conv

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/gemm"
)

// input is X, or the part of it that a unit needs, as the kernel reads it.
type input struct {
	data  unsafe.Pointer
	first int // index in X of the value at data
	size  int // bytes of a value
}

// input returns the image of a unit in place if the kernel can read it, else
// copies the rows that the taps reach.
func (b *block) input(staged []float32) input {
	s, in := b.shape, input{size: 4}
	if b.kernel.Pairs() {
		in.size = 2
	}
	y0 := min(s.H, max(0, b.y0*s.Stride-s.PadT))
	y1 := max(y0, min(s.H, (b.y1-1)*s.Stride-s.PadT+s.KH))
	n := (y1 - y0) * s.W * s.CI
	switch {
	case n == 0: // no tap reaches any value
	case b.kernel.InPlace():
		in.data = unsafe.Pointer(&b.X[0])
	case b.kernel.Pairs() && b.X16 != nil:
		in.data = unsafe.Pointer(&b.X16[0])
	default:
		in.data, in.first = unsafe.Pointer(&staged[0]), (b.image*s.H+y0)*s.W*s.CI
		b.kernel.Stage(staged, gemm.Rows{F32: b.X, BF16: b.X16}, in.first, n)
	}
	return in
}

// at is the address of value i of X.
func (in *input) at(i int) unsafe.Pointer {
	if in.data == nil {
		return nil
	}
	return unsafe.Add(in.data, (i-in.first)*in.size)
}

func (in *input) bytes(values int) uintptr { return uintptr(values * in.size) }
