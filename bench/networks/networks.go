// Package networks measures whole networks: time, arithmetic and memory.
package networks

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"runtime/debug"
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
	Seconds   []float64    `json:"seconds"`                  // of every run that counts
	Once      float64      `json:"once_seconds"`             // of what is computed ahead of all runs
	Cancel    float64      `json:"cancel_seconds,omitempty"` // the longest that a cancelled run took to return
	FLOPs     float64      `json:"flops"`                    // of a run's matrix products, convolutions and attention
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

// Options adjusts a measurement.
type Options struct {
	Fixed  []string // inputs that are the same in all runs: what depends on them alone is computed once, as a pipeline does
	Warmup int      // runs that are not counted
	Runs   int      // runs that are
	Cancel bool     // measure too how soon a run stops

	Compile nn.CompileOptions // of the runs that are measured
}

// Measure runs a network and fills the fields of r that are measured.
func (r *Result) Measure(ctx context.Context, b nn.Backend, g *nn.Graph, opts Options) error {
	debug.FreeOSMemory() // what came before does not count
	watch := watchMemory()
	defer func() { r.Memory = watch.stop() }()
	known := random(g.Inputs())
	once, each, err := nn.Hoist(g, opts.Fixed...)
	if err != nil {
		return err
	}
	if once != nil {
		ahead, err := start(ctx, b, once, known, nn.CompileOptions{})
		if err != nil {
			return err
		}
		if r.Once, err = ahead.run(ctx); err != nil {
			return errors.Join(err, ahead.exe.Close())
		}
		maps.Copy(known, ahead.results())
		if err := ahead.exe.Close(); err != nil {
			return err
		}
	}
	entries, err := census.Of(each)
	if err != nil {
		return err
	}
	r.FLOPs = census.FLOPs(entries)
	n, err := start(ctx, b, each, known, opts.Compile)
	if err != nil {
		return err
	}
	defer n.exe.Close()
	r.Footprint = n.exe.Footprint()
	for i := range opts.Warmup + opts.Runs {
		seconds, err := n.run(ctx)
		if err != nil {
			return err
		}
		if i >= opts.Warmup {
			r.Seconds = append(r.Seconds, seconds)
		}
	}
	if opts.Cancel {
		return r.measureCancel(ctx, n)
	}
	return nil
}

// measureCancel cancels runs at a few places.
func (r *Result) measureCancel(ctx context.Context, n *network) error {
	for _, share := range []float64{0.1, 0.35, 0.6} {
		ctx, cancel := context.WithCancel(ctx)
		var at time.Time
		timer := time.AfterFunc(time.Duration(share*r.Median()*1e9), func() {
			at = time.Now()
			cancel()
		})
		_, err := n.run(ctx)
		took := time.Now()
		cancelled := !timer.Stop()
		cancel()
		if cancelled && errors.Is(err, context.Canceled) {
			r.Cancel = max(r.Cancel, took.Sub(at).Seconds())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// network is a compiled graph with its operands.
type network struct {
	graph    *nn.Graph
	exe      nn.Executable
	dst, src []*tensor.Tensor
}

// start compiles a graph for inputs of the given names.
func start(ctx context.Context, b nn.Backend, g *nn.Graph, inputs map[string]*tensor.Tensor,
	opts nn.CompileOptions) (*network, error) {
	n := &network{graph: g}
	for _, o := range g.Outputs() {
		n.dst = append(n.dst, tensor.New(o.Value.DType(), o.Value.Shape()...))
	}
	for _, in := range g.Inputs() {
		n.src = append(n.src, inputs[in.Name])
	}
	var err error
	n.exe, err = nn.Compile(ctx, b, g, opts)
	return n, err
}

// run returns the seconds of a run.
func (n *network) run(ctx context.Context) (float64, error) {
	start := time.Now()
	err := n.exe.Run(ctx, nn.Tensors(n.dst...), nn.Tensors(n.src...))
	return time.Since(start).Seconds(), err
}

// results returns the outputs by name.
func (n *network) results() map[string]*tensor.Tensor {
	m := make(map[string]*tensor.Tensor)
	for i, o := range n.graph.Outputs() {
		m[o.Name] = n.dst[i]
	}
	return m
}

// vocabulary bounds the random ids of texts; every model's is larger.
const vocabulary = 900

// random returns random tensors for inputs, by name.
func random(inputs []nn.Named) map[string]*tensor.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	m := make(map[string]*tensor.Tensor)
	for _, in := range inputs {
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
		m[in.Name] = t
	}
	return m
}
