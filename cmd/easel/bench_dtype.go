package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/nn/cpu"
)

// peakDTypes are the names that bench peak has for precisions.
var peakDTypes = map[cpu.Precision]string{cpu.F32: "F32", cpu.BF16: "BF16"}

// arithmeticFlags choose the processor's part in a measurement.
type arithmeticFlags struct {
	dtype   string
	threads int
}

func (f *arithmeticFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dtype, "dtype", string(cpu.F32), "arithmetic: "+strings.Join(f.names(), ", "))
}

func (f *arithmeticFlags) names() []string {
	var names []string
	for p := range peakDTypes {
		names = append(names, string(p))
	}
	slices.Sort(names)
	return names
}

// options returns the options of the backend that computes so, and the dtype
// of the peak that it is held against.
func (f *arithmeticFlags) options() (opts cpu.Options, peak string, err error) {
	precision := cpu.Precision(f.dtype)
	peak, ok := peakDTypes[precision]
	if !ok {
		return opts, "", fmt.Errorf("--dtype %q: want one of %s", f.dtype, strings.Join(f.names(), ", "))
	}
	return cpu.Options{Threads: f.threads, Precision: precision}, peak, nil
}
