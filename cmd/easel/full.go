//go:build !nodemo

package main

import "github.com/spf13/cobra"

// newFullBenches returns the benchmarks that the build tag nodemo leaves out: those of
// pictures, whose judge knows what the model in the program draws, and those of the
// server, whose HTTP client takes a megabyte.
func newFullBenches() []*cobra.Command {
	return []*cobra.Command{newBenchQuality(), newBenchServe(), newBenchAttack(), newBenchSoak()}
}

// newFullCommands returns the commands that nodemo leaves out: the lab of samplers, sheets of the
// model in the program, and models of random weights.
func newFullCommands() []*cobra.Command { return []*cobra.Command{newLab(), newDemo(), newMkmodel()} }
