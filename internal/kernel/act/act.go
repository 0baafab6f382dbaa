// Package act holds the activations of the networks, over float32 slices.
//
// They compute in float32, with an error below 2e-7 of |x|, and by vectors where
// the processor has them. All are x sigmoid(z), with z a function of x that has
// its sign.
package act

// activations are the loops for one instruction set, over slices of one length
// that is not 0.
type activations struct {
	silu, quickGELU, gelu, geluTanh func(x []float32)
	geglu                           func(dst, a, b []float32)
}

const callLen = 1 << 15 // values a call, as assembly can't be preempted

// SiLU replaces each x by x sigmoid(x).
func SiLU(x []float32) { inPlace(current().silu, x) }

// QuickGELU replaces each x by x sigmoid(1.702 x).
func QuickGELU(x []float32) { inPlace(current().quickGELU, x) }

// GELU replaces each x by x Phi(x), Phi the normal distribution function. It
// is computed as x sigmoid(x S(x*x)). S is the polynomial that makes the greatest
// error of the sigmoid least for |x| up to 5.25, where Phi is 1 - 8e-8; farther
// out S keeps its value.
func GELU(x []float32) { inPlace(current().gelu, x) }

// GELUTanh replaces each x by x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), which
// is x sigmoid(sqrt(8/pi) (x + 0.044715 x^3)).
func GELUTanh(x []float32) { inPlace(current().geluTanh, x) }

func inPlace(f func(x []float32), x []float32) {
	for len(x) > 0 {
		n := min(callLen, len(x))
		f(x[:n])
		x = x[n:]
	}
}

// GEGLU sets dst[i] = a[i] b[i] Phi(b[i]). dst may be a or b.
func GEGLU(dst, a, b []float32) {
	a, b = a[:len(dst)], b[:len(dst)]
	for f := current().geglu; len(dst) > 0; {
		n := min(callLen, len(dst))
		f(dst[:n], a[:n], b[:n])
		dst, a, b = dst[n:], a[n:], b[n:]
	}
}
