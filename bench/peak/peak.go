// Package peak measures what the processor gives at most: arithmetic by
// instruction set, and the memory's bandwidth.
package peak

import (
	"context"
	"math"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/df65613c/easel/internal/kernel/peak"
)

// Rate is the most that was measured.
type Rate struct {
	Set     string  `json:"set"`   // instruction set
	DType   string  `json:"dtype"` // of the factors
	Threads int     `json:"threads"`
	Gops    float64 `json:"gops"` // 1e9 multiplications and additions a second
}

// rounds of each measurement, of which the best counts: anything else that
// runs only takes away.
const rounds = 5

// Arithmetic measures every kind of multiply-add on a number of threads, each for
// about the given time.
func Arithmetic(ctx context.Context, threads int, d time.Duration) ([]Rate, error) {
	var rates []Rate
	for _, l := range peak.Loops() {
		gops, err := measure(ctx, l, threads, d)
		if err != nil {
			return nil, err
		}
		rates = append(rates, Rate{l.Set, l.DType, threads, gops})
	}
	return rates, nil
}

// Best measures the best kind of multiply-add for a dtype, in 1e9 operations a
// second. It is 0 where the processor has none.
func Best(ctx context.Context, dtype string, threads int, d time.Duration) (gops float64, err error) {
	for _, l := range slices.Backward(peak.Loops()) { // the widest vectors come last
		if l.DType == dtype {
			return measure(ctx, l, threads, d)
		}
	}
	return 0, nil
}

func measure(ctx context.Context, l peak.Loop, threads int, d time.Duration) (gops float64, err error) {
	const probe = 10000
	once := duration(func() { l.Run(probe) })
	n := 1 + int(probe*float64(d)/rounds/float64(max(once, 1)))
	best := math.Inf(1)
	for range rounds {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		best = min(best, together(threads, func(int) { l.Run(n) }).Seconds())
	}
	return l.Ops() * float64(n) * float64(threads) / best / 1e9, nil
}

// Bandwidth is the most of the memory that was measured, in 1e9 bytes a second.
type Bandwidth struct {
	Threads int     `json:"threads"`
	Read    float64 `json:"read_gbs"`
	Copy    float64 `json:"copy_gbs"` // bytes read and written
}

// buffer is the bytes that each thread reads: far more than its caches hold.
const buffer = 256 << 20

// Memory measures the bandwidth of a number of threads at once.
func Memory(ctx context.Context, threads int) (Bandwidth, error) {
	source, target := make([][]uint64, threads), make([][]uint64, threads)
	sums := make([]uint64, threads)
	for i := range threads {
		source[i], target[i] = make([]uint64, buffer/8), make([]uint64, buffer/16)
		for j := range source[i] {
			source[i][j] = uint64(j)
		}
		copy(target[i], source[i]) // so that its pages are there
	}
	b := Bandwidth{Threads: threads}
	for range rounds {
		if err := ctx.Err(); err != nil {
			return b, err
		}
		read := together(threads, func(i int) { sums[i] += sum(source[i]) })
		moved := together(threads, func(i int) { copy(target[i], source[i]) })
		gigabytes := float64(threads) * buffer / 1e9
		b.Read, b.Copy = max(b.Read, gigabytes/read.Seconds()), max(b.Copy, gigabytes/moved.Seconds())
	}
	runtime.KeepAlive(sums)
	return b, nil
}

func sum(v []uint64) uint64 {
	var a, b, c, d uint64
	for len(v) >= 8 {
		a += v[0] + v[4]
		b += v[1] + v[5]
		c += v[2] + v[6]
		d += v[3] + v[7]
		v = v[8:]
	}
	return a + b + c + d
}

// together runs f on a number of threads and returns how long the last one took.
func together(threads int, f func(thread int)) time.Duration {
	var ready, done sync.WaitGroup
	start := make(chan struct{})
	for i := range threads {
		ready.Add(1)
		done.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			ready.Done()
			<-start
			f(i)
		})
	}
	ready.Wait()
	return duration(func() {
		close(start)
		done.Wait()
	})
}

func duration(f func()) time.Duration {
	t := time.Now()
	f()
	return time.Since(t)
}
