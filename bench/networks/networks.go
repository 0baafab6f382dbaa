// Package networks measures whole networks: time, arithmetic and memory.
package networks

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/df65613c/easel/bench/census"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Result is what was measured of one network.
type Result struct {
	Network   string       `json:"network"`
	Width     int          `json:"width"` // of the picture, in pixels; 0 of text
	Height    int          `json:"height"`
	Batch     int          `json:"batch"`
	Seconds   []float64    `json:"seconds"` // of every run that counts
	FLOPs     float64      `json:"flops"`   // of matrix products, convolutions and attention
	Footprint nn.Footprint `json:"footprint"`
	Memory    Memory       `json:"memory"`
}

// Median returns the median time of a run in seconds.
func (r *Result) Median() float64 {
	s := slices.Sorted(slices.Values(r.Seconds))
	n := len(s)
	return (s[(n-1)/2] + s[n/2]) / 2
}

// GFLOPS returns the rate of the median run.
func (r *Result) GFLOPS() float64 { return r.FLOPs / r.Median() / 1e9 }

// Measure runs a network so many times, after some warm-up that is not
// counted, and fills the fields of r that are measured.
func (r *Result) Measure(ctx context.Context, b nn.Backend, g *nn.Graph, warmup, runs int) error {
	entries, err := census.Of(g)
	if err != nil {
		return err
	}
	r.FLOPs = census.FLOPs(entries)
	exe, err := nn.Compile(ctx, b, g, nn.CompileOptions{})
	if err != nil {
		return err
	}
	defer exe.Close()
	r.Footprint = exe.Footprint()
	dst, src := operands(g)
	watch := watchMemory()
	defer func() { r.Memory = watch.stop() }()
	for n := range warmup + runs {
		start := time.Now()
		if err := exe.Run(ctx, dst, src); err != nil {
			return err
		}
		if n >= warmup {
			r.Seconds = append(r.Seconds, time.Since(start).Seconds())
		}
	}
	return nil
}

// vocabulary bounds the random ids of texts; every model's is larger.
const vocabulary = 900

// operands returns tensors for the outputs, and random ones for the inputs.
func operands(g *nn.Graph) (dst, src []*tensor.Tensor) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, o := range g.Outputs() {
		dst = append(dst, tensor.New(o.Value.DType(), o.Value.Shape()...))
	}
	for _, in := range g.Inputs() {
		t := tensor.New(in.Value.DType(), in.Value.Shape()...)
		if ids, err := tensor.Data[int32](t); err == nil {
			for i := range ids {
				ids[i] = r.Int32N(vocabulary)
			}
		} else {
			for i, v := 0, t.Float32s(); i < len(v); i++ {
				v[i] = float32(r.NormFloat64())
			}
		}
		src = append(src, t)
	}
	return dst, src
}
