package main

import (
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// TestModelFlags: every command that takes a model with -m can be told to go on
// although some of its tensors are unused.
func TestModelFlags(t *testing.T) {
	seen := 0
	var check func(cmd *cobra.Command)
	check = func(cmd *cobra.Command) {
		if f := cmd.Flags().ShorthandLookup("m"); f != nil && f.Name == "model" {
			seen++
			require.NotNil(t, cmd.Flags().Lookup("allow-unused"), cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			check(sub)
		}
	}
	check(newRoot())
	require.Greater(t, seen, 10)
}
