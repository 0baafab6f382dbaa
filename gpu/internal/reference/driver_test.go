package reference_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/gpu/internal/reference"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/nntest"
)

func open(t *testing.T, l run.Limits, o run.Options) *run.Backend {
	d := reference.New(l)
	b, err := run.New(d, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, b.Close())
		bytes, lists := d.Live()
		require.Zero(t, bytes, "bytes that were not given back")
		require.Zero(t, lists)
	})
	return b
}

func TestConformance(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes under the race detector, and runs on one goroutine")
	}
	for name, l := range map[string]run.Limits{
		"generous": {},
		"small":    {Limits: pass.Limits{Range: 576 << 10, FLOPs: 1e6}},
		"unified":  {Unified: true},
	} {
		t.Run(name, func(t *testing.T) {
			nntest.Run(t, open(t, l, run.Options{Precision: nn.F32}), nntest.Options{})
		})
		t.Run(name+"/f16", func(t *testing.T) {
			nntest.Run(t, open(t, l, run.Options{Precision: nn.F16}), nntest.Options{Tolerance: 2e-3})
		})
	}
}

// TestAttentionWithoutScores is for devices that have the kernel.
func TestAttentionWithoutScores(t *testing.T) {
	for name, l := range map[string]pass.Limits{"generous": {Attention: 64}, "small": {Attention: 64, Range: 576 << 10, FLOPs: 1e5}} {
		t.Run(name, func(t *testing.T) {
			other := func(name string) bool {
				return !strings.HasPrefix(name, "Attention/") || strings.Contains(name, "d:512")
			}
			nntest.Run(t, open(t, run.Limits{Limits: l}, run.Options{Precision: nn.F16}), nntest.Options{Tolerance: 2e-3, Skip: other})
		})
	}
}
