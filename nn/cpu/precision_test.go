package cpu_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/nn/nntest"
	"github.com/df65613c/easel/tensor"
)

// TestBF16Conformance allows for operands of 8 bits: a relative error of up to
// 2^-8 each, and of results that are kept so.
func TestBF16Conformance(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 2, Precision: nn.BF16})
	defer b.Close()
	nntest.Run(t, b, nntest.Options{Tolerance: 0.02})
}

// TestInt8Conformance allows for operands of 7 bits and a sign.
func TestInt8Conformance(t *testing.T) {
	b := cpu.New(cpu.Options{Threads: 2, Precision: nn.Int8})
	defer b.Close()
	nntest.Run(t, b, nntest.Options{Tolerance: 0.05})
}

func TestBF16IsNearF32ButNotTheSame(t *testing.T) {
	g, err := nn.Record(network)
	require.NoError(t, err)
	run := func(p nn.Precision) ([]float32, nn.Footprint) {
		b := cpu.New(cpu.Options{Threads: 2, Precision: p})
		defer b.Close()
		exe, err := nn.Compile(context.Background(), b, g, nn.CompileOptions{})
		require.NoError(t, err)
		defer exe.Close()
		dst := tensor.New(tensor.F32, 2, 32, 16, 16)
		require.NoError(t, exe.Run(context.Background(), nn.Tensors(dst), nn.Tensors(filled(2, 16, 16, 32))))
		return dst.Float32s(), exe.Footprint()
	}
	wide, most := run(nn.F32)
	narrow, less := run(nn.BF16)
	require.NotEqual(t, wide, narrow)
	var diff, norm float64
	for i, w := range wide {
		d := float64(narrow[i] - w)
		diff += d * d
		norm += float64(w) * float64(w)
	}
	require.Less(t, diff, 1e-3*norm)
	require.Less(t, less.Activations, most.Activations)
}

func TestPrecisionNames(t *testing.T) {
	for _, name := range cpu.Precisions() {
		p, err := nn.ParsePrecision(name)
		require.NoError(t, err)
		require.EqualValues(t, name, p)
	}
	_, err := nn.ParsePrecision("f64")
	require.ErrorContains(t, err, "bf16")
}
