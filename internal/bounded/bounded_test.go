package bounded

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// failing remembers that a check failed.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Helper()               {}
func (f *failing) Errorf(string, ...any) { f.failed = true }

var kept []byte

func TestCheck(t *testing.T) {
	most := Cost{Bytes: 1 << 20, BytesPerByte: 1 << 10, Time: time.Minute}
	for _, c := range []struct {
		size, allocated int
		time            time.Duration
		fails           bool
	}{
		{0, 1 << 10, time.Minute, false},
		{0, 2 << 20, time.Minute, Counts},
		{2 << 10, 2 << 20, time.Minute, false},
		{2 << 10, 4 << 20, time.Minute, Counts},
		{0, 0, -1, true},
	} {
		most.Time = c.time
		f := &failing{TB: t}
		Check(f, c.size, most, func() { kept = make([]byte, c.allocated) })
		require.Equal(t, c.fails, f.failed, "%+v", c)
	}
}
