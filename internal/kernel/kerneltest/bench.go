package kerneltest

import (
	"sync"
	"sync/atomic"
	"testing"
)

// Plan is what the plans of kernels have in common.
type Plan interface {
	Units() int
	ScratchSize() int
}

// BenchmarkUnits times all units of a plan, done by some goroutines.
func BenchmarkUnits(b *testing.B, threads int, p Plan, run func(unit int, mem []byte)) {
	memory := make([][]byte, threads)
	for i := range memory {
		memory[i] = make([]byte, p.ScratchSize())
	}
	for b.Loop() {
		var next atomic.Int64
		var done sync.WaitGroup
		for _, mem := range memory {
			done.Go(func() {
				for u := int(next.Add(1)) - 1; u < p.Units(); u = int(next.Add(1)) - 1 {
					run(u, mem)
				}
			})
		}
		done.Wait()
	}
}
