// Package vec holds elementwise passes over float32 slices, and the
// exponential that other kernels share.
package vec

// passes are the loops for one instruction set, over slices of one length
// that is not 0.
type passes struct {
	add, mul func(dst, a, b []float32)
	affine   func(dst, x []float32, scale, shift float32)
}

const callLen = 1 << 15 // values a call, as assembly can't be preempted

// Add sets dst[i] = a[i] + b[i]. dst may be a or b.
func Add(dst, a, b []float32) { binary(current().add, dst, a, b) }

// Mul sets dst[i] = a[i] * b[i]. dst may be a or b.
func Mul(dst, a, b []float32) { binary(current().mul, dst, a, b) }

func binary(pass func(dst, a, b []float32), dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for len(dst) > 0 {
		n := min(callLen, len(dst))
		pass(dst[:n], a[:n], b[:n])
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}

// Affine sets dst[i] = x[i]*scale + shift. dst may be x.
func Affine(dst, x []float32, scale, shift float32) {
	x = x[:len(dst)]
	for pass := current().affine; len(dst) > 0; {
		n := min(callLen, len(dst))
		pass(dst[:n], x[:n], scale, shift)
		dst, x = dst[n:], x[n:]
	}
}
