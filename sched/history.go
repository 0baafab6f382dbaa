package sched

import (
	"math"
	"slices"
)

// history is what was found at the last noise levels, the newest first: estimates of x0, or slopes.
type history[T Float] struct {
	values         [][]T
	sigmas         []float64
	nodes, weights []float64
}

func newHistory[T Float](order, n int) *history[T] {
	h := &history[T]{values: make([][]T, order), sigmas: make([]float64, 0, order), nodes: make([]float64, 0, order+1),
		weights: make([]float64, order+1)}
	for i := range h.values {
		h.values[i] = make([]T, n)
	}
	return h
}

func (h *history[T]) len() int { return len(h.sigmas) }

// push keeps a value as the newest. One at a level where a value was found
// before takes its place.
func (h *history[T]) push(denoised []T, sigma float64) {
	if len(h.sigmas) > 0 && still(h.sigmas[0], sigma) {
		copy(h.values[0], denoised)
		return
	}
	oldest := h.values[len(h.values)-1]
	copy(h.values[1:], h.values)
	h.values[0] = oldest
	copy(oldest, denoised)
	h.sigmas = slices.Insert(h.sigmas[:min(len(h.sigmas), len(h.values)-1)], 0, sigma)
}

// step goes from x at the newest noise level to another, by the newest order
// estimates and, if not nil, the one where it ends.
func (h *history[T]) step(dst, x, end []T, to float64, order int, weigh func(dst, nodes []float64, h float64)) {
	if to == 0 {
		copy(dst, h.values[0])
		return
	}
	length := h.place(to, order, end != nil)
	weigh(h.weights, h.nodes, length)
	h.combine(dst, x, end, T(to/h.sigmas[0]))
}

// noiseStep is step for values that are the noise in x.
func (h *history[T]) noiseStep(dst, x, end []T, to float64, order int, weigh func(dst, nodes []float64, h float64)) {
	length := h.place(to, order, end != nil)
	weigh(h.weights, h.nodes, -length) // backwards in log sigma the kernel is sigma itself
	for k := range h.nodes {
		h.weights[k] *= to
	}
	h.combine(dst, x, end, 1)
}

// output sets dst to what a solver works on: an estimate of x0, or the noise in X
// by it.
func (r *Run[T]) output(dst, denoised []T, sigma float64, noise bool) {
	copy(dst, denoised)
	if !noise {
		return
	}
	for j, x := range r.X {
		dst[j] = (x - denoised[j]) / T(sigma)
	}
}

// still reports whether a step has no length, and so teaches nothing new.
func still(from, to float64) bool { return math.Abs(to-from) <= rounding*from }

// plain takes a step that needs no method: the last one, to 0, goes to the
// estimate, and one of length 0 does nothing. It reports whether the step was
// one of these.
func (r *Run[T]) plain(from, to float64, denoised []T) bool {
	if to == 0 {
		copy(r.X, denoised)
	}
	return to == 0 || still(from, to)
}

// place sets the nodes in terms of the step to a noise level, and returns its
// length in log sigma. A node where it ends comes last.
func (h *history[T]) place(to float64, order int, end bool) float64 {
	length := math.Log(h.sigmas[0] / to)
	h.nodes = h.nodes[:0]
	for _, s := range h.sigmas[:order] {
		h.nodes = append(h.nodes, math.Log(h.sigmas[0]/s)/length)
	}
	if end {
		h.nodes = append(h.nodes, 1)
	}
	return length
}

// combine sets dst to keep times x and the weighted values.
func (h *history[T]) combine(dst, x, end []T, keep T) {
	order := len(h.nodes)
	if end != nil {
		order--
	}
	for j, v := range x {
		sum := keep * v
		for k, value := range h.values[:order] {
			sum += T(h.weights[k]) * value[j]
		}
		if end != nil {
			sum += T(h.weights[order]) * end[j]
		}
		dst[j] = sum
	}
}
