package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestLabConverge(t *testing.T) {
	dir := t.TempDir()
	csv, plot := filepath.Join(dir, "a.csv"), filepath.Join(dir, "a.svg")
	out, _ := ok(t, "", "lab", "converge", "--sampler", "K_EULER,euler_a,uni_pc", "--steps", "128,256", "--csv", csv, "--plot", plot)
	require.Regexp(t, `\| euler +\| 1\.0`, out)
	require.Regexp(t, `\| uni_pc +\| (2\.9|3\.0)`, out)
	require.NotContains(t, out, "euler_a")
	data, err := os.ReadFile(plot)
	require.NoError(t, err)
	require.Contains(t, string(data), "uni_pc")
	require.FileExists(t, csv)

	for want, args := range map[string][]string{
		"no sampler \"eular\"; there are euler": {"--sampler", "eular"},
		"these add noise":                       {"--sampler", "euler_a"},
		"no problem \"x\"":                      {"--problem", "x"},
		"0 steps, want 1 or more":               {"--steps", "0,4"},
		"want a name that ends in .png":         {"--plot", "a.jpg"},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"lab", "converge"}, args...)...)
		require.ErrorContains(t, err, want)
	}
}
