package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNamesOfLevels(t *testing.T) {
	for _, l := range []Level{Generic, AVX2, AVX512, NEON} {
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
		got, bf16, err := lower(l.String())
		if !has(l) {
			require.ErrorContains(t, err, variable)
			require.Equal(t, best, got)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, l, got)
		require.False(t, bf16)
	}
	got, _, err := lower("fast")
	require.ErrorContains(t, err, variable)
	require.Equal(t, best, got)
}

func TestUse(t *testing.T) {
	former := Current()
	restore := Use(Generic)
	require.Equal(t, Generic, Current())
	restore()
	require.Equal(t, former, Current())
	require.Panics(t, func() { Use(NEON + 1) })
}

func TestBF16IsOfTheHighestLevel(t *testing.T) {
	name := best.String() + suffixBF16
	l, bf16, err := lower(name)
	require.Equal(t, best, l)
	require.Equal(t, HasBF16(), bf16)
	if !HasBF16() {
		require.ErrorContains(t, err, name)
		require.Panics(t, func() { UseBF16(true) })
		return
	}
	require.NoError(t, err)
	defer UseBF16(true)()
	require.True(t, BF16())
	restore := Use(Generic)
	require.False(t, BF16())
	restore()
	defer UseBF16(false)()
	require.False(t, BF16())
}
