package tensor

import (
	"context"
	"sync"

	"github.com/df65613c/easel/internal/parallel"
)

// chunk is the number of elements that one work unit handles.
const chunk = 4096

// workers is the pool of all operations, started by the first that needs it.
var workers = sync.OnceValue(func() *parallel.Pool { return parallel.New(0) })

// poolFor returns the pool for n work units. It reports a fault in one, such
// as a read of a mapped file that has been truncated meanwhile, as an error.
func poolFor(n int) *parallel.Pool {
	if n > 1 {
		return workers()
	}
	return parallel.New(1)
}

// forUnits calls f for every unit below n, on several goroutines where there
// is more than one.
func forUnits(n int, f func(unit int)) error {
	return poolFor(n).Run(context.Background(), n, func(_, unit int) { f(unit) })
}

// forChunks calls f for consecutive ranges that make up the n elements.
func forChunks(n int, f func(lo, hi int)) error {
	return forUnits((n+chunk-1)/chunk, func(u int) { f(u*chunk, min((u+1)*chunk, n)) })
}
