// Package bounded holds tests to a cost in proportion to their input.
package bounded

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"
)

// Cost is what work on an input may take.
type Cost struct {
	Bytes        uint64 // allocated for any input
	BytesPerByte uint64 // and for each byte of it
	Time         time.Duration
	TimePerByte  time.Duration
}

// Text is the cost of reading a text that a person could have written. The times
// are far above what is needed, so that a busy machine passes; what
// doubles with each byte does not.
var Text = Cost{Bytes: 1 << 20, BytesPerByte: 1 << 10, Time: 5 * time.Second, TimePerByte: 100 * time.Microsecond}

// Check runs f, which works on an input of size bytes, and fails where it costs
// more. Nothing else may run beside it: allocations are counted for the whole
// program, and only where Counts is true. Where they are too many f runs once
// more, for what others allocated before may be counted late.
func Check(tb testing.TB, size int, most Cost, f func()) {
	tb.Helper()
	bytes, took := cost(f)
	limit := most.Bytes + uint64(size)*most.BytesPerByte
	if Counts && bytes > limit {
		runtime.GC() // which counts all
		again, _ := cost(f)
		bytes = min(bytes, again)
	}
	if Counts && bytes > limit {
		tb.Errorf("an input of %d bytes made it allocate %d, want %d at most", size, bytes, limit)
	}
	if limit := most.Time + time.Duration(size)*most.TimePerByte; took > limit {
		tb.Errorf("an input of %d bytes took %v, want %v at most", size, took, limit)
	}
}

func cost(f func()) (bytes uint64, took time.Duration) {
	before, start := allocated(), time.Now()
	f()
	took = time.Since(start)
	return allocated() - before, took
}

// allocated returns the bytes allocated so far. It is less exact than
// runtime.ReadMemStats, by what processors have at hand, and does not stop them.
func allocated() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
