package lab_test

import (
	"context"
	"fmt"

	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/exact"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/demo"
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

var mine = sched.Sampler{Name: "mine", F32: ddim[float32], F64: ddim[float64]}

func ExampleConverge() {
	curves, err := lab.Converge(context.Background(), []sched.Sampler{mine}, lab.Problems()[0], []int{128, 256, 512})
	if err != nil {
		panic(err)
	}
	fmt.Printf("%s: order %.1f\n", curves[0].Sampler, exact.Order(curves[0].Points))
	// Output: mine: order 1.0
}

func ExampleCompare() {
	ctx := context.Background()
	model, err := demo.Open(sdxl.OpenOptions{})
	if err != nil {
		panic(err)
	}
	defer model.Close()
	backend := cpu.New(cpu.Options{})
	defer backend.Close()
	pipe := sdxl.NewPipeline(model, backend, sdxl.PipelineOptions{})
	study, err := pipe.Study(ctx, sdxl.Options{Prompt: "a red heart on a yellow background", Seed: new(int64(1))})
	if err != nil {
		panic(err)
	}
	defer study.Close()
	euler, err := sched.SamplerNamed("euler")
	if err != nil {
		panic(err)
	}
	trials, err := lab.Compare(ctx, study, lab.Grid{
		Samplers: []sched.Sampler{euler, mine}, Schedules: []string{"karras"}, Steps: []int{10}, Reference: 100,
	}, nil)
	if err != nil {
		panic(err)
	}
	for _, t := range trials {
		fmt.Printf("%s: %d calls, %.1f from the solution\n", t.Sampler, t.Calls, *t.Latents)
	}
	// Output:
	// euler: 10 calls, 0.1 from the solution
	// mine: 10 calls, 0.1 from the solution
}
