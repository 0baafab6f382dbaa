package lab

import (
	"context"
	"fmt"
	"image"
	"math"

	"github.com/df65613c/easel/sched"
)

// references are the solutions from each noise level that trials begin at.
type references struct {
	m        Model
	steps    int
	progress func(string)
	found    map[float64]reference
}

type reference struct {
	x   []float32
	img *image.NRGBA
}

// from solves by DPM-Solver++(2M) on Karras' noise levels.
func (r *references) from(ctx context.Context, sigma float64) (reference, error) {
	if ref, ok := r.found[sigma]; ok {
		return ref, nil
	}
	r.progress(fmt.Sprintf("reference of %d steps", r.steps))
	all, err := r.m.Sigmas("karras", r.steps)
	if err != nil {
		return reference{}, err
	}
	sigmas := []float64{sigma}
	for _, s := range all {
		if s < sigma {
			sigmas = append(sigmas, s)
		}
	}
	solver, err := sched.SamplerNamed("dpmpp_2m")
	if err != nil {
		return reference{}, err
	}
	ref := reference{x: start(r.m, sigma)}
	if err := r.m.Run(ctx, plain(solver), ref.x, sigmas); err != nil {
		return reference{}, err
	}
	if ref.img, err = r.m.Decode(ctx, ref.x); err != nil {
		return reference{}, err
	}
	if r.found == nil {
		r.found = make(map[float64]reference)
	}
	r.found[sigma] = ref
	return ref, nil
}

// distance is |a - b| / |b| in the L2 norm.
func distance(a, b []float32) float64 {
	var diff, norm float64
	for i, v := range b {
		d := float64(a[i]) - float64(v)
		diff += d * d
		norm += float64(v) * float64(v)
	}
	return math.Sqrt(diff / norm)
}

// levels is the root mean square difference of the colours of two pictures of one size.
func levels(a, b *image.NRGBA) float64 {
	sum, n := 0.0, 0
	for i, v := range a.Pix {
		if i%4 != 3 {
			d := float64(v) - float64(b.Pix[i])
			sum += d * d
			n++
		}
	}
	return math.Sqrt(sum / float64(n))
}
