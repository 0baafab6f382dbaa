package clip

// Cosine returns the cosine of the angle between two vectors of length 1.
func Cosine(a, b []float32) float32 {
	var sum float32
	b = b[:len(a)]
	for i, x := range a {
		sum += x * b[i]
	}
	return sum
}
