package sched

import (
	"context"
	"math"
	"slices"
)

// RESMultistep is the multistep exponential integrator of second order of
// Zhang et al. 2023 ("Improved order analysis and design of exponential
// integrator for diffusion models sampling"), which starts with a step of first order.
func RESMultistep[T Float](ctx context.Context, r *Run[T]) error {
	past := newHistory[T](2, len(r.X))
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if math.Abs(to-from) <= rounding*from {
			return // a step of no length teaches nothing new
		}
		past.push(denoised, from)
		past.step(r.X, r.X, nil, to, past.len(), exponentialWeights)
	})
}

// UniPCBH1 and UniPCBH2 are the multistep predictor and corrector of third
// order of Zhao et al. 2023 (UniPC), on estimates of x0, with B(h) = h and
// B(h) = exp(h) - 1. The order may fall
// to the first towards the end, as in diffusers, which lowers the order of the whole to 2.
func UniPCBH1[T Float](ctx context.Context, r *Run[T]) error {
	return r.uniPC(ctx, func(h float64) float64 { return h })
}

// UniPCBH2 is described with UniPCBH1.
func UniPCBH2[T Float](ctx context.Context, r *Run[T]) error {
	return r.uniPC(ctx, func(h float64) float64 { return -math.Expm1(-h) })
}

const uniPCOrder = 3

func (r *Run[T]) uniPC(ctx context.Context, b func(h float64) float64) error {
	// Of two nodes the paper takes weights that hold for any B; those of more
	// don't depend on it.
	weights := func(dst, nodes []float64, h float64) {
		if len(nodes) != 2 {
			exponentialWeights(dst, nodes, h)
			return
		}
		dst[1] = b(h) / 2 / nodes[1]
		dst[0] = -math.Expm1(-h) - dst[1]
	}
	past := newHistory[T](uniPCOrder, len(r.X))
	before := make([]T, len(r.X)) // the state at the start of the last step
	order, last := 0, len(r.Sigmas)-2
	return r.steps(ctx, func(i int, denoised []T) {
		from, to := r.Sigmas[i], r.Sigmas[i+1]
		if math.Abs(to-from) <= rounding*from {
			return // a step of no length teaches nothing new
		}
		if order > 0 {
			past.step(r.X, before, denoised, from, order, weights)
		}
		past.push(denoised, from)
		copy(before, r.X)
		if order = past.len(); r.FirstOrderLast {
			order = min(order, last-i+1)
		}
		past.step(r.X, before, nil, to, order, weights)
	})
}

// history is the estimates of x0 at the last noise levels, the newest first.
type history[T Float] struct {
	x0             [][]T
	sigmas         []float64
	nodes, weights []float64
}

func newHistory[T Float](order, n int) *history[T] {
	h := &history[T]{x0: make([][]T, order), sigmas: make([]float64, 0, order), nodes: make([]float64, 0, order+1), weights: make([]float64, order+1)}
	for i := range h.x0 {
		h.x0[i] = make([]T, n)
	}
	return h
}

func (h *history[T]) len() int { return len(h.sigmas) }

func (h *history[T]) push(denoised []T, sigma float64) {
	oldest := h.x0[len(h.x0)-1]
	copy(h.x0[1:], h.x0)
	h.x0[0] = oldest
	copy(oldest, denoised)
	h.sigmas = slices.Insert(h.sigmas[:min(len(h.sigmas), len(h.x0)-1)], 0, sigma)
}

// step goes from x at the newest noise level to another, by the newest order
// estimates and, if not nil, the one where it ends.
func (h *history[T]) step(dst, x, end []T, to float64, order int, weigh func(dst, nodes []float64, h float64)) {
	if to == 0 {
		copy(dst, h.x0[0])
		return
	}
	length := math.Log(h.sigmas[0] / to)
	h.nodes = h.nodes[:0]
	for _, s := range h.sigmas[:order] {
		h.nodes = append(h.nodes, math.Log(h.sigmas[0]/s)/length)
	}
	if end != nil {
		h.nodes = append(h.nodes, 1)
	}
	weigh(h.weights, h.nodes, length)
	keep := T(to / h.sigmas[0])
	for j, v := range x {
		sum := keep * v
		for k, x0 := range h.x0[:order] {
			sum += T(h.weights[k]) * x0[j]
		}
		if end != nil {
			sum += T(h.weights[order]) * end[j]
		}
		dst[j] = sum
	}
}
