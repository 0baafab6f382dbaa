package sched

import (
	"math"
	"strconv"
)

// BrownianNoise takes the noise of a step from a Brownian motion over the noise
// levels: the increment between two levels, divided by the square root of their
// distance. Runs with different numbers of steps then follow one path. It is
// not safe for concurrent use. It is torchsde's BrownianTree (Li et al.,
// Scalable Gradients for Stochastic Differential Equations, 2020) in the way of
// k-diffusion's BrownianTreeNoiseSampler: levels are rounded to 6 decimals, and
// every halving of an interval has a generator with a seed of its own.
type BrownianNoise struct {
	Noise // of what is not a step's

	source    func(seed int64) Noise
	seed      uint64
	low, high float64
	work      [4][]float32 // for Between
}

// NewBrownianNoise returns the tree of a seed over the range of levels that are
// not 0. source makes the generators of its parts.
func NewBrownianNoise(first Noise, source func(seed int64) Noise, seed int64, sigmas []float64) *BrownianNoise {
	b := &BrownianNoise{Noise: first, source: source, seed: uint64(seed), low: math.Inf(1)}
	for _, s := range sigmas {
		if s > 0 {
			b.low, b.high = min(b.low, s), max(b.high, s)
		}
	}
	return b
}

// Between implements StepNoise. Levels outside the range count as its ends.
func (b *BrownianNoise) Between(dst []float32, from, to float64) {
	clear(dst)
	low, high := decimals(min(max(min(from, to), b.low), b.high)), decimals(min(max(max(from, to), b.low), b.high))
	if !(low < high) {
		return
	}
	top := interval{start: decimals(b.low), end: decimals(b.high)}
	for i := range b.work {
		if len(b.work[i]) != len(dst) {
			b.work[i] = make([]float32, len(dst))
		}
	}
	w, increment := walk{BrownianNoise: b, low: low, high: high, sum: dst, left: b.work[1], other: b.work[2],
		noise: b.work[3]}, b.work[0]
	b.source(int64(seedSequence(words(b.seed), 1)[0])).Normal(increment)
	scale(increment, float32(math.Sqrt(b.high-b.low)))
	w.down(top, increment)
	sign := 1.0
	if from > to {
		sign = -1
	}
	scale(dst, float32(sign/math.Sqrt(math.Abs(from-to))))
}

// interval is a node of the tree.
type interval struct {
	start, end float64
	key        uint64 // its path from the top, a bit for each turn
	depth      uint64
}

// walk adds up the increments of the intervals that make up [low, high].
type walk struct {
	*BrownianNoise
	low, high   float64
	sum         []float32
	left, other []float32 // increments of parts
	noise       []float32
}

// down adds what an interval, of the given increment, has in [low, high]. It
// overwrites the increment.
func (w *walk) down(in interval, increment []float32) {
	for {
		low, high := max(w.low, in.start), min(w.high, in.end)
		if low == in.start && high == in.end {
			for i, v := range increment {
				w.sum[i] += v
			}
			return
		}
		middle := decimals((in.start + in.end) / 2)
		left := interval{in.start, middle, 2 * in.key, in.depth + 1}
		right := interval{middle, in.end, 2*in.key + 1, in.depth + 1}
		w.draw(in)
		share, deviation := w.bridge(in, middle)
		for i, v := range increment {
			w.left[i] = share(v) + deviation*w.noise[i]
		}
		switch {
		case high <= middle:
			copy(increment, w.left)
			in = left
		case low >= middle:
			subtract(increment, w.left)
			in = right
		case high == in.end:
			for i, v := range increment {
				w.sum[i] += v - w.left[i]
			}
			copy(increment, w.left)
			in = left
		case low == in.start:
			for i, v := range w.left {
				w.sum[i] += v
			}
			subtract(increment, w.left)
			in = right
		default: // once: from here on the range and an interval have an end in common
			copy(w.other, w.left)
			subtract(increment, w.left)
			w.down(left, w.other)
			in = right
		}
	}
}

func subtract(v, w []float32) {
	for i := range v {
		v[i] -= w[i]
	}
}

// bridge returns how the increment of the left part follows from that of the
// whole: its mean, and its deviation.
func (w *walk) bridge(in interval, middle float64) (mean func(whole float32) float32, deviation float32) {
	left, right, inverse := middle-in.start, in.end-middle, 1/(in.end-in.start)
	a, b := float32(left), float32(inverse)
	return func(whole float32) float32 { return float32(a*whole) * b }, float32(math.Sqrt(left * right * inverse))
}

// draw sets noise to the numbers of an interval's generator.
func (w *walk) draw(in interval) {
	entropy := make([]uint32, seedPool)
	copy(entropy, words(w.seed))
	entropy = append(append(entropy, words(in.key)...), words(in.depth)...)
	w.source(int64(seedSequence(entropy, 1)[0])).Normal(w.noise)
}

func scale(v []float32, by float32) {
	for i := range v {
		v[i] *= by
	}
}

// decimals rounds to 6 of them, to the nearest decimal number.
func decimals(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 6, 64), 64)
	if err != nil {
		return v
	}
	return r
}
