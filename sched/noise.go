package sched

// Noise is a source of standard normal numbers. What a call gives depends on
// the calls before it, and for some sources on how the numbers are split into calls.
type Noise interface {
	Normal(dst []float32)
}
