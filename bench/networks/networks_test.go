package networks_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/bench/networks"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

func TestMeasure(t *testing.T) {
	g, err := nn.Record(func(g *nn.Graph) {
		w := nn.Param("w", tensor.New(tensor.F16, 8, 8))
		x := g.Input("x", tensor.F32, 1, 5, 8)
		text := g.Linear(g.Input("text", tensor.F32, 1, 3, 8), nn.Linear{Weight: w})
		g.Output("y", g.Attention(g.Linear(x, nn.Linear{Weight: w}), text, text, nn.Attention{Heads: 2}))
	})
	require.NoError(t, err)
	backend := cpu.New(cpu.Options{Threads: 1})
	defer backend.Close()
	const linearX, linearText, attention = 2 * 5 * 8 * 8, 2 * 3 * 8 * 8, 4 * 5 * 3 * 8
	r := networks.Result{Network: "x"}
	require.NoError(t, r.Measure(t.Context(), backend, g, networks.Options{Warmup: 1, Runs: 3}))
	require.Len(t, r.Seconds, 3)
	require.Zero(t, r.Once)
	require.EqualValues(t, linearX+linearText+attention, r.FLOPs)
	if runtime.GOOS == "linux" {
		require.Greater(t, r.Memory.RSS, r.Memory.Anon)
		require.Greater(t, r.Memory.Anon, int64(0))
	}
	r = networks.Result{}
	require.NoError(t, r.Measure(t.Context(), backend, g, networks.Options{Fixed: []string{"text"}, Runs: 1, Cancel: true}))
	require.Len(t, r.Seconds, 1)
	require.Greater(t, r.Once, 0.0)
	require.EqualValues(t, linearX+attention, r.FLOPs, "the text is not computed again")

	require.ErrorContains(t, r.Measure(t.Context(), backend, g, networks.Options{Fixed: []string{"none"}, Runs: 1}), "none")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.Measure(ctx, backend, g, networks.Options{Runs: 1}), context.Canceled)
}

func TestMedian(t *testing.T) {
	require.Equal(t, 2.0, (&networks.Result{Seconds: []float64{5, 1, 2}}).Median())
	require.Equal(t, 1.5, (&networks.Result{Seconds: []float64{5, 1, 2, 0.5}}).Median())
}
