package sched

import "fmt"

// NoiseSequence gives numbers that were kept, one after the other.
type NoiseSequence struct {
	numbers []float32
	drawn   int
}

// NewNoiseSequence returns a source of the given numbers.
func NewNoiseSequence(numbers []float32) *NoiseSequence { return &NoiseSequence{numbers: numbers} }

// Normal fills dst with the next numbers. Past the last it gives 0, and Err an error.
func (n *NoiseSequence) Normal(dst []float32) {
	rest := n.numbers[min(n.drawn, len(n.numbers)):]
	clear(dst[copy(dst, rest):])
	n.drawn += len(dst)
}

// Err tells whether more was drawn than there is.
func (n *NoiseSequence) Err() error {
	if n.drawn <= len(n.numbers) {
		return nil
	}
	return fmt.Errorf("sched: the stored noise has %d numbers, and %d were drawn", len(n.numbers), n.drawn)
}
