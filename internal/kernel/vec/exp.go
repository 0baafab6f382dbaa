package vec

import "math"

// Exp returns the exponential of x, which must not be positive, with a relative
// error of about 1e-7. Results below the least normal number are 0.
//
// It is 2^n exp(r), where r is within ln(2)/2 of 0 and its exponential a
// polynomial. The method and the coefficients are those of expf in Moshier's
// Cephes Mathematical Library.
func Exp(x float32) float32 {
	const (
		lowest = -87.33654
		log2e  = 1.44269504088896341
		ln2Hi  = 0.693359375
		ln2Lo  = -2.12194440e-4
		round  = 3 << 22 // a float32 of this size has no fraction
	)
	if x < lowest {
		return 0
	}
	shifted := x*log2e + round
	n := shifted - round
	r := x - n*ln2Hi - n*ln2Lo
	p := float32(1.9875691500e-4)
	p = p*r + 1.3981999507e-3
	p = p*r + 8.3334519073e-3
	p = p*r + 4.1665795894e-2
	p = p*r + 1.6666665459e-1
	p = p*r + 5.0000001201e-1
	p = p*(r*r) + r + 1
	return p * math.Float32frombits((math.Float32bits(shifted)+127)<<23) // the lowest bits of shifted are n
}
