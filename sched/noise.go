package sched

// Noise is a source of standard normal numbers. What a call gives depends on
// the calls before it, and for some sources on how the numbers are split into calls.
type Noise interface {
	Normal(dst []float32)
}

// StepNoise is a Noise that has numbers of its own for each step between two
// noise levels. The samplers of the diffusion SDE ask it for them.
type StepNoise interface {
	Noise
	Between(dst []float32, from, to float64)
}

// Draw fills dst with the noise of the step between two levels if the source is
// a StepNoise, and with its next numbers otherwise.
func Draw(n Noise, dst []float32, from, to float64) {
	if s, ok := n.(StepNoise); ok {
		s.Between(dst, from, to)
		return
	}
	n.Normal(dst)
}
