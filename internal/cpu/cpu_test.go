package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesOfLevels(t *testing.T) {
	for _, l := range []Level{Generic, AVX2, AVX512} {
		parsed, err := ParseLevel(l.String())
		require.NoError(t, err)
		require.Equal(t, l, parsed)
	}
	_, err := ParseLevel("sse9")
	require.ErrorContains(t, err, "sse9")
	require.ErrorContains(t, err, "avx512")
}

func TestVariableLowersTheLevel(t *testing.T) {
	for _, l := range Known() {
		got, err := lower(l.String())
		if l > best {
			require.ErrorContains(t, err, variable)
			require.Equal(t, best, got)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, l, got)
	}
	got, err := lower("fast")
	require.ErrorContains(t, err, variable)
	require.Equal(t, best, got)
}

func TestUse(t *testing.T) {
	former := Current()
	restore := Use(Generic)
	require.Equal(t, Generic, Current())
	restore()
	require.Equal(t, former, Current())
	require.Panics(t, func() { Use(AVX512 + 1) })
}
