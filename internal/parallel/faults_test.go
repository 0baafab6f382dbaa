package parallel

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUnitsStopAfterAPanic: those that have not begun are not run.
func TestUnitsStopAfterAPanic(t *testing.T) {
	p := New(2)
	defer p.Close()
	const units = 1_000_000
	var ran atomic.Int64
	err := p.Run(context.Background(), units, func(_, unit int) {
		if ran.Add(1); unit == 0 {
			panic("at the first")
		}
	})
	require.ErrorContains(t, err, "at the first")
	require.Less(t, ran.Load(), int64(units))
}
