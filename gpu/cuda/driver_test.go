package cuda_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/cuda"
	"github.com/df65613c/easel/gpu/cuda/internal/fake"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/nntest"
)

// backend opens the device of a library. In the end nothing must be left of it.
func backend(t *testing.T, l *fake.Library, o run.Options) *run.Backend {
	d, err := cuda.OpenBy(fake.Use(l), 0)
	require.NoError(t, err)
	b, err := run.New(d, o)
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, b.Close())
		require.NoError(t, l.Fault())
		require.Empty(t, l.Live(), "what was not given back")
	})
	return b
}

// large are cases that take seconds in the interpreter; EASEL_CUDA_ALL asks for them.
var large = regexp.MustCompile(`77 100 640|50 64 320|d:512|ci:64|40 40 64|300 96|1x16x9x40|ci:33|ci:16|600|d:64|Delta|/(I8|F4|Q\d)`)

func skip(name string) bool {
	return os.Getenv("EASEL_CUDA_ALL") == "" && large.MatchString(name)
}

// few are cases for the whole driver; TestConformanceOfKernels has more.
var few = regexp.MustCompile(`embeddings|d:24|b:2_h:5|GroupNorm/\[1|LayerNorm|Concat|FourierFilter`)

func skipMost(name string) bool {
	return os.Getenv("EASEL_CUDA_ALL") == "" && (large.MatchString(name) || !few.MatchString(name))
}

func TestConformance(t *testing.T) {
	nntest.Run(t, backend(t, new(fake.Library), run.Options{Precision: nn.F32}), nntest.Options{Skip: skipMost})
}

func TestConformanceInHalfPrecision(t *testing.T) {
	nntest.Run(t, backend(t, new(fake.Library), run.Options{Precision: nn.F16}), nntest.Options{Tolerance: 2e-3, Skip: skipMost})
}

func TestConformanceOfKernels(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes minutes under the race detector")
	}
	for precision, tolerance := range map[nn.Precision]float64{nn.F32: 2e-6, nn.F16: 2e-3} {
		t.Run(string(precision), func(t *testing.T) {
			w := newTwin(t, new(fake.Library))
			b, err := run.New(w, run.Options{Precision: precision})
			require.NoError(t, err)
			nntest.Run(t, b, nntest.Options{Tolerance: tolerance, Skip: skip})
			require.NoError(t, b.Close())
			require.Greater(t, w.ran, 500)
		})
	}
}

// TestConformanceOnADevice is the same on a card, where there is one.
func TestConformanceOnADevice(t *testing.T) {
	for precision, tolerance := range map[nn.Precision]float64{nn.F32: 2e-6, nn.F16: 2e-3} {
		d, err := cuda.Open(0)
		if err != nil {
			t.Skip(err)
		}
		b, err := run.New(d, run.Options{Precision: precision})
		require.NoError(t, err)
		nntest.Run(t, b, nntest.Options{Tolerance: tolerance})
		require.NoError(t, b.Close())
	}
}
