package cuda_test

import (
	"fmt"
	"math"

	"github.com/df65613c/easel/gpu/cuda/internal/fake"
	"github.com/df65613c/easel/gpu/internal/run"
)

func square(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0 // memory that nothing wrote
	}
	return v * v
}

// differs says where a kernel and its contract are not the same; at -1 is the whole.
func differs(d *run.Dispatch, binding, at int, want, got float64) error {
	return fmt.Errorf("%s %v: binding %d differs at %d: want %g, got %g", d.Variant, d.Params, binding, at, want, got)
}

// wrap adds what the interpreter said to an error.
func wrap(err error, l *fake.Library) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", err, l.Fault())
}
