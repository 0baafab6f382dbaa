//go:build !nodemo

package main

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBenchSoak(t *testing.T) {
	plot := filepath.Join(t.TempDir(), "soak.svg")
	out, _ := ok(t, "", "bench", "soak", "--requests", "40", "--rounds", "2", "--clients", "2", "--json", "--plot", plot)
	require.FileExists(t, plot)
	var r soakReport
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Len(t, r.Samples, 2)
}

func TestBenchAttack(t *testing.T) {
	out, _ := ok(t, "", "bench", "attack", "--only", "^(door|slow: headers)", "--connections", "3", "--stall", "10ms", "--most-wait", "1m", "--most-time", "1m", "--json")
	var r attackReport
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	require.Len(t, r.Kinds, 4)
	require.Equal(t, "none", r.Kinds[0].Name, "the good client alone")
	_, _, err := run(t, t.Context(), "", "bench", "attack", "--only", "^door", "--most-answer", "1")
	require.ErrorContains(t, err, "2 of 2 kinds cost more than they may")
}

func TestServerBenchFaults(t *testing.T) {
	for want, args := range map[string][]string{
		"--requests is 0":            {"soak", "--requests", "0"},
		"--connections is 0":         {"attack", "--connections", "0"},
		"--only ^x$ matches no kind": {"attack", "--only", "^x$"},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"bench"}, args...)...)
		require.ErrorContains(t, err, want)
	}
}
