package sched

import "fmt"

// NoiseSequence gives stored numbers, in order.
type NoiseSequence struct {
	numbers []float32
	drawn   int
}

// NewNoiseSequence returns a source of the given numbers.
func NewNoiseSequence(numbers []float32) *NoiseSequence { return &NoiseSequence{numbers: numbers} }

// Normal fills dst with the next numbers. After the last one it gives 0, and
// Err returns an error.
func (n *NoiseSequence) Normal(dst []float32) {
	rest := n.numbers[min(n.drawn, len(n.numbers)):]
	clear(dst[copy(dst, rest):])
	n.drawn += len(dst)
}

// Err returns an error if more numbers were drawn than there are.
func (n *NoiseSequence) Err() error {
	if n.drawn <= len(n.numbers) {
		return nil
	}
	return fmt.Errorf("sched: the stored noise has %d numbers, and %d were drawn", len(n.numbers), n.drawn)
}
