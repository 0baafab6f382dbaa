package guidance

import "github.com/df65613c/easel/sched"

// Sides is what a network answers for one picture, and how to read it.
type Sides[T sched.Float] struct {
	X                  []T // the state, x0 + sigma noise
	Negative, Positive []T // the network's outputs
	// Skip and Out make an estimate of x0 from an output: Skip X + Out output.
	// See sched.Prediction.Scalings.
	Skip, Out float64
	Scale     float64 // of guidance; 1 is the positive side
	Channels  int     // planes of a picture
}

// Guide writes the guided output to dst, which may be Negative.
type Guide[T sched.Float] func(dst []T, s *Sides[T])

// CFG is classifier-free guidance (Ho and Salimans 2022): negative + Scale
// (positive - negative).
func CFG[T sched.Float](dst []T, s *Sides[T]) {
	scale := T(s.Scale)
	for i, u := range s.Negative {
		dst[i] = u + scale*(s.Positive[i]-u)
	}
}

// estimate turns outputs into estimates of x0, in place.
func (s *Sides[T]) estimate(out []T) {
	a, b := T(s.Skip), T(s.Out)
	for i, x := range s.X {
		out[i] = a*x + b*out[i]
	}
}

// output is the inverse of estimate.
func (s *Sides[T]) output(x0 []T) {
	a, b := T(s.Skip), T(s.Out)
	for i, x := range s.X {
		x0[i] = (x0[i] - a*x) / b
	}
}
