// Package kernels measures single operations of a network on the processor:
// how fast they are, and how far from the result in float64.
package kernels

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/profile"
	"github.com/df65613c/easel/tensor"
)

// Result is what was measured of one shape.
type Result struct {
	census.Entry
	Seconds float64 // of the fastest run: anything else that runs only takes away
	// Error is the greatest deviation of a sample of the results from those in
	// float64, over the root mean square of these.
	Error float64
}

// GFLOPS returns the rate.
func (r Result) GFLOPS() float64 { return r.FLOPs() / r.Seconds / 1e9 }

// Options adjusts a measurement. The zero value is good.
type Options struct {
	CPU     cpu.Options
	Time    time.Duration // for each shape; 0 is a quarter of a second
	Weights tensor.DType  // F16 if not set
}

const minRuns = 3

// Measure runs an operation with random operands.
func Measure(ctx context.Context, e census.Entry, opts Options) (Result, error) {
	if opts.Time == 0 {
		opts.Time = time.Second / 4
	}
	r, err := Prepare(ctx, e.Shape, opts)
	if err != nil {
		return Result{}, err
	}
	defer r.Close()
	best, start := math.Inf(1), time.Now()
	for n := 0; n <= minRuns || time.Since(start) < opts.Time; n++ {
		took, err := r.Do(ctx)
		if err != nil {
			return Result{}, err
		}
		if n > 0 { // the first run meets cold caches and pages
			best = min(best, took.Seconds())
		}
	}
	return Result{e, best, r.operation.deviation(r.dst[0].Float32s())}, nil
}

// Run is an operation that is ready to run.
type Run struct {
	backend   *cpu.Backend
	exe       nn.Executable
	profile   *profile.Profile
	operation *operation
	dst       []*tensor.Tensor
	took      time.Duration // of all runs
}

// Prepare compiles an operation and makes its operands.
func Prepare(ctx context.Context, s census.Shape, opts Options) (*Run, error) {
	if opts.Weights == tensor.Invalid {
		opts.Weights = tensor.F16
	}
	o, err := newOperation(s, opts.Weights)
	if err != nil {
		return nil, err
	}
	r := &Run{operation: o, profile: new(profile.Profile)}
	opts.CPU.Profile = r.profile
	r.backend = cpu.New(opts.CPU)
	if r.exe, err = nn.Compile(ctx, r.backend, o.graph, nn.CompileOptions{}); err != nil {
		r.backend.Close()
		return nil, err
	}
	r.dst = []*tensor.Tensor{tensor.New(tensor.F32, o.graph.Outputs()[0].Value.Shape()...)}
	return r, nil
}

// Do runs the operation once and returns how long it took.
func (r *Run) Do(ctx context.Context) (time.Duration, error) {
	err := r.exe.Run(ctx, nn.Tensors(r.dst...), nn.Tensors(r.operation.inputs...))
	before := r.took
	r.took = r.profile.Took(r.operation.name)
	return r.took - before, err
}

// Close frees the operation's memory.
func (r *Run) Close() error { return errors.Join(r.exe.Close(), r.backend.Close()) }

// samples is how many results are computed in float64.
const samples = 64

// deviation compares a sample of results, spread over all, with float64.
func (o *operation) deviation(got []float32) float64 {
	var worst, squares float64
	n := min(samples, len(got))
	for s := range n {
		// Steps that share no factor with the usual sizes meet every row and column.
		i := int(uint64(s) * 0x9e3779b97f4a7c15 % uint64(len(got)))
		want := o.value(i)
		worst = max(worst, math.Abs(float64(got[i])-want))
		squares += want * want
	}
	return worst / math.Sqrt(squares/float64(n))
}
