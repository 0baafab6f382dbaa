package nntest

import (
	"context"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Options says how exact a backend is.
type Options struct {
	// Tolerance is the largest relative error (L2) of a result; 0 is 2e-6.
	Tolerance float64
	// Skip leaves out cases by their names, such as Linear/[4 8 16]/silu; nil leaves out none.
	Skip func(name string) bool
}

// Run compares every operation of a backend, fused and decomposed, with Evaluate.
func Run(t *testing.T, b nn.Backend, opts Options) {
	if opts.Tolerance == 0 {
		opts.Tolerance = 2e-6
	}
	for _, c := range cases() {
		if opts.Skip != nil && opts.Skip(c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			check(t, b, c, opts)
		})
		t.Run("decomposed/"+c.name, func(t *testing.T) {
			check(t, unfused{b}, c, opts)
		})
	}
}

// unfused is a backend that lacks the fused forms of the operations.
type unfused struct{ nn.Backend }

func (u unfused) Supports(op nn.Op, dt tensor.DType) bool {
	switch op := op.(type) {
	case nn.Linear:
		if op.HasResidual() || op.Gated || op.Act != nn.Identity {
			return false
		}
	case nn.Conv2D:
		if op.Norm != nil || op.HasResidual() || op.HasChannelBias() || op.Act != nn.Identity {
			return false
		}
	case nn.GroupNorm:
		if op.Act != nn.Identity {
			return false
		}
	case nn.GEGLU, nn.UpsampleConv2D:
		return false
	}
	return u.Backend.Supports(op, dt)
}

func check(t *testing.T, b nn.Backend, c testCase, opts Options) {
	r := newSource()
	g, err := nn.Record(func(g *nn.Graph) { c.record(g, r) })
	require.NoError(t, err)
	p, err := nn.Lower(g, func(nn.Op, tensor.DType) bool { return true }, nil)
	require.NoError(t, err)
	src, err := r.inputs(p)
	require.NoError(t, err)
	want, err := Evaluate(p, src)
	require.NoError(t, err)

	ctx := context.Background()
	exe, err := nn.Compile(ctx, b, g, nn.CompileOptions{})
	require.NoError(t, err)
	defer exe.Close()
	var dst []*tensor.Tensor
	for _, o := range p.Outputs {
		dst = append(dst, tensor.New(o.Value.DType(), o.Value.Shape()...))
	}
	for range 2 { // the second run meets what the first left behind
		require.NoError(t, exe.Run(ctx, nn.Tensors(dst...), nn.Tensors(src...)))
		for i, o := range p.Outputs {
			got := dst[i].Float32s()
			require.LessOrEqual(t, relativeError(got, want[i]), opts.Tolerance, "output %s", o.Name)
		}
	}
}

// relativeError is |got - want| / |want| in the L2 norm; NaN counts as infinite.
func relativeError(got []float32, want []float64) float64 {
	var diff, norm float64
	for i, w := range want {
		d := float64(got[i]) - w
		diff += d * d
		norm += w * w
	}
	e := math.Sqrt(diff / max(norm, math.SmallestNonzeroFloat64))
	if math.IsNaN(e) {
		return math.Inf(1)
	}
	return e
}
