package lab_test

import (
	"context"
	"fmt"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/exact"
)

// A sampler of one's own: Euler's method on x0 held constant in log sigma,
// which is DDIM's step.
func ddim[T sched.Float](ctx context.Context, r *sched.Run[T]) error {
	denoised := make([]T, len(r.X))
	for i, sigma := range r.Sigmas[:len(r.Sigmas)-1] {
		if err := r.Denoise(ctx, denoised, r.X, sigma); err != nil {
			return err
		}
		keep := T(r.Sigmas[i+1] / sigma)
		for j, x := range r.X {
			r.X[j] = keep*x + (1-keep)*denoised[j]
		}
	}
	return nil
}

func ExampleConverge() {
	mine := sched.Sampler{Name: "mine", F32: ddim[float32], F64: ddim[float64]}
	curves, err := lab.Converge(context.Background(), []sched.Sampler{mine}, lab.Problems()[0], []int{128, 256, 512})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s: order %.1f\n", curves[0].Sampler, exact.Order(curves[0].Points))
	// Output: mine: order 1.0
}
