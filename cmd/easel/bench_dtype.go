package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
)

// peakDTypes are the names that bench peak has for precisions.
var peakDTypes = map[string]string{"f32": "F32", "bf16": "BF16", "int8": "I8"}

// arithmeticFlags choose the processor's part in a measurement.
type arithmeticFlags struct {
	dtype   string
	threads int
}

func (f *arithmeticFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.dtype, "dtype", string(nn.F32), "arithmetic: "+strings.Join(f.names(), ", "))
}

func (f *arithmeticFlags) names() []string {
	return slices.DeleteFunc(cpu.Precisions(), func(name string) bool { return peakDTypes[name] == "" })
}

// options returns the options of the backend that computes so, and the dtype
// of the peak that it is held against.
func (f *arithmeticFlags) options() (opts cpu.Options, peak string, err error) {
	if !slices.Contains(f.names(), f.dtype) {
		return opts, "", fmt.Errorf("--dtype %q: want one of %s", f.dtype, strings.Join(f.names(), ", "))
	}
	return cpu.Options{Threads: f.threads, Precision: nn.Precision(f.dtype)}, peakDTypes[f.dtype], nil
}
