package run

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
)

type fakeBuffer int64

func (b *fakeBuffer) Size() int64 { return int64(*b) }

// TestArena gives out and takes back parts at random: none overlap, and all memory
// goes back in the end.
func TestArena(t *testing.T) {
	var a arena
	live, r := 0, rand.New(rand.NewPCG(1, 2))
	more := func(bytes int64) (Buffer, error) {
		b := fakeBuffer(bytes)
		live++
		return &b, nil
	}
	free := func(Buffer) { live-- }
	var slots []slot
	for range 3000 {
		if r.IntN(5) < 2 && len(slots) > 0 {
			i := r.IntN(len(slots))
			a.release(slots[i], free)
			slots[i] = slots[len(slots)-1]
			slots = slots[:len(slots)-1]
			continue
		}
		s, err := a.alloc(1+r.Int64N(3<<20), more)
		require.NoError(t, err)
		require.Zero(t, s.offset%256)
		for _, o := range slots {
			require.False(t, s.chunk == o.chunk && s.offset < o.offset+o.size && o.offset < s.offset+s.size)
		}
		require.LessOrEqual(t, s.offset+s.size, s.buffer().Size())
		slots = append(slots, s)
	}
	for _, s := range slots {
		a.release(s, free)
	}
	require.Zero(t, live)
	require.Empty(t, a.chunks)
}
