package tensor

import (
	"fmt"
	"math"
)

// Equal reports whether a and b have the same dtype, shape and values. A NaN
// equals nothing.
func Equal(a, b *Tensor) bool {
	if a.dtype != b.dtype || !a.shape.Equal(b.shape) {
		return false
	}
	same, err := Eq(a, b)
	if err != nil {
		return false
	}
	for _, v := range same.data {
		if v == 0 {
			return false
		}
	}
	return true
}

// AllClose returns an error that names the worst element unless
// |a - b| <= atol + rtol |b| everywhere, as in NumPy. The shapes must be equal;
// the dtypes may differ. Equal infinities are close, and NaN only to NaN.
func AllClose(a, b *Tensor, rtol, atol float64) error {
	if !a.shape.Equal(b.shape) {
		return fmt.Errorf("tensor: shapes %v and %v differ", a.shape, b.shape)
	}
	x, err := a.Convert(F64)
	if err != nil {
		return err
	}
	y, err := b.Convert(F64)
	if err != nil {
		return err
	}
	worst, at, bad := 0.0, 0, 0
	xs, ys := operandOf[float64](x).window(), operandOf[float64](y).window()
	n := x.NumElements()
	for lo := 0; lo < n; lo += chunk {
		hi := min(lo+chunk, n)
		v := ys.load(lo, hi)
		for i, p := range xs.load(lo, hi) {
			q := v[i]
			if p == q || p != p && q != q {
				continue
			}
			excess := math.Abs(p-q) / (atol + rtol*math.Abs(q))
			if excess <= 1 {
				continue
			}
			if bad++; !(excess <= worst) || bad == 1 {
				worst, at = excess, lo+i
			}
		}
	}
	if bad == 0 {
		return nil
	}
	index := unravel(at, a.shape)
	p, _ := a.At(index...)
	q, _ := b.At(index...)
	return fmt.Errorf("tensor: %d of %d elements differ, the most at %v: %v against %v", bad, n, index, p, q)
}
