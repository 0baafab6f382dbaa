package lab

import (
	"context"
	"fmt"
	"runtime"
	"strconv"
	"time"

	"github.com/df65613c/easel/sched"
)

// Speed is what a sampler itself costs a step, without a network.
type Speed struct {
	Sampler string `json:"sampler"`
	// Bytes is the least that a step can move: for each call of the denoiser x
	// and its answer are read and x is written, and noise is read.
	Bytes       int     `json:"bytes"`
	Seconds     float64 `json:"seconds"`
	GBs         float64 `json:"gb_s"`        // of Bytes
	Share       float64 `json:"share"`       // of the rate of a loop that does nothing else
	Allocations float64 `json:"allocations"` // a step
}

// MeasureSpeed times samplers on n numbers, beside the rate at which a plain loop
// over arrays of that size goes, in GB/s.
func MeasureSpeed(ctx context.Context, samplers []sched.Sampler, n, steps int, each time.Duration) (speeds []Speed,
	rate float64, err error) {
	if n < 1 || steps < 2 {
		return nil, 0, fmt.Errorf("lab: %d numbers and %d steps, want 1 and 2 at least", n, steps)
	}
	rate = loopRate(n, each)
	for _, s := range samplers {
		speed, err := measureSpeed(ctx, s, n, steps, each)
		if err != nil {
			return nil, 0, fmt.Errorf("lab: %s: %w", s.Name, err)
		}
		speed.Share = speed.GBs / rate
		speeds = append(speeds, speed)
	}
	return speeds, rate, nil
}

// measureSpeed takes the fastest of the runs that fit the time. What a run sets
// up counts with its steps, and what noise costs does not.
func measureSpeed(ctx context.Context, s sched.Sampler, n, steps int, each time.Duration) (Speed, error) {
	x, calls, draws := make([]float32, n), 0, 0
	run := func(steps int) (time.Duration, uint64, error) {
		for i := range x {
			x[i] = float32(i%7) - 3
		}
		calls, draws = 0, 0
		r := &sched.Run[float32]{X: x, Sigmas: between(10, 0.1, steps), Noise: drawCounter{draws: &draws},
			Denoise: func(context.Context, []float32, []float32, float64) error { calls++; return nil }}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		from := time.Now()
		err := s.F32(ctx, r)
		took := time.Since(from)
		runtime.ReadMemStats(&after)
		return took, after.Mallocs - before.Mallocs, err
	}
	_, few, err := run(steps)
	if err != nil {
		return Speed{}, err
	}
	_, many, err := run(2 * steps)
	if err != nil {
		return Speed{}, err
	}
	best, end := time.Duration(0), time.Now().Add(each)
	for best == 0 || time.Now().Before(end) {
		took, _, err := run(steps)
		if err != nil {
			return Speed{}, err
		}
		if best == 0 || took < best {
			best = took
		}
	}
	bytes := 4 * n * (3*calls + draws) / steps
	seconds := best.Seconds() / float64(steps)
	return Speed{
		Sampler: s.Name, Bytes: bytes, Seconds: seconds, GBs: float64(bytes) / seconds / 1e9,
		Allocations: max(0, float64(many)-float64(few)) / float64(steps),
	}, nil
}

// loopRate is how fast x = a x + b y goes over arrays of n numbers, in GB/s.
func loopRate(n int, each time.Duration) float64 {
	x, y := make([]float32, n), make([]float32, n)
	best, end := time.Duration(0), time.Now().Add(each)
	for best == 0 || time.Now().Before(end) {
		const passes = 32
		from := time.Now()
		for range passes {
			for i, v := range x {
				x[i] = 0.5*v + 0.5*y[i]
			}
		}
		if took := time.Since(from) / passes; best == 0 || took < best {
			best = max(took, 1)
		}
	}
	return float64(12*n) / best.Seconds() / 1e9
}

// SpeedTable is a row for each sampler.
func SpeedTable(speeds []Speed) Table {
	t := Table{Columns: []string{"sampler", "us a step", "MB a step", "GB/s", "of the plain loop", "allocations a step"}}
	for _, s := range speeds {
		t.Rows = append(t.Rows, []string{s.Sampler, fmt.Sprintf("%.1f", s.Seconds*1e6), fmt.Sprintf("%.2f", float64(s.Bytes)/1e6),
			fmt.Sprintf("%.1f", s.GBs), fmt.Sprintf("%.0f %%", 100*s.Share), strconv.FormatFloat(s.Allocations, 'g', 3, 64)})
	}
	return t
}

// SpeedFigure is the time of a step, a point for each sampler.
func SpeedFigure(speeds []Speed) Figure {
	f := Figure{Title: "a sampler's own cost", X: "MB a step", Y: "us a step"}
	for _, s := range speeds {
		f.Add(s.Sampler, float64(s.Bytes)/1e6, s.Seconds*1e6)
	}
	return f
}
