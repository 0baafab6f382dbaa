package main

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryFlag(t *testing.T) {
	for text, want := range map[string]int64{"2GiB": 2 << 30, "300MiB": 300 << 20, "1": 1, "1kB": 1000} {
		var f bytesFlag
		require.NoError(t, f.Set(text))
		require.Equal(t, want, f.n)
	}
	for _, text := range []string{"0", "0MiB", "", "x", "-1", "99999999999GiB"} {
		require.Error(t, new(bytesFlag).Set(text), text)
	}
}

// TestSeedsFlag: a picture for each seed, without --batch.
func TestSeedsFlag(t *testing.T) {
	dir := t.TempDir()
	ok(t, "", "txt2img", "--prompt", "a star", "--seeds", "1,2", "--steps", "1", "--width", "64", "--height", "64", "-o", filepath.Join(dir, "x.png"))
	found, err := filepath.Glob(filepath.Join(dir, "*.png"))
	require.NoError(t, err)
	require.Len(t, found, 2)
}
