package sched

import "math"

// betaQuantile returns x such that the beta distribution with parameters a and
// b has the share p below it.
func betaQuantile(p, a, b float64) float64 {
	if p > 0.5 {
		return 1 - betaQuantile(1-p, b, a)
	}
	if p == 0.5 && a == b {
		return 0.5
	}
	lo, hi := 0.0, 1.0
	for range 200 {
		x := (lo + hi) / 2
		if x == lo || x == hi {
			break
		}
		if betaShare(x, a, b) < p {
			lo = x
		} else {
			hi = x
		}
	}
	return hi
}

// betaShare is the regularised incomplete beta function, by Lentz's continued
// fraction (DLMF 8.17.22).
func betaShare(x, a, b float64) float64 {
	if x <= 0 || x >= 1 {
		return min(max(x, 0), 1)
	}
	if x > (a+1)/(a+b+2) {
		return 1 - betaShare(1-x, b, a)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny, precise = 1e-300, 1e-16
	inverse := func(v float64) float64 {
		if math.Abs(v) < tiny {
			v = tiny
		}
		return 1 / v
	}
	c, d := 1.0, inverse(1-(a+b)*x/(a+1))
	f := d
	for i := range 500 {
		m := float64(i + 1)
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = inverse(1 + even*d)
		c = 1 + even*inverse(c)
		f *= c * d
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = inverse(1 + odd*d)
		c = 1 + odd*inverse(c)
		f *= c * d
		if math.Abs(c*d-1) < precise {
			break
		}
	}
	return front * f
}
