package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/nn/cpu"
)

// arithmetic is the dtypes that are measured, and the names that bench peak has for them.
var arithmetic = []struct{ flag, peak string }{{"f32", "F32"}}

// arithmeticFlags choose the processor's part in a measurement.
type arithmeticFlags struct {
	dtype   string
	threads int
}

func (f *arithmeticFlags) add(cmd *cobra.Command) {
	var names []string
	for _, a := range arithmetic {
		names = append(names, a.flag)
	}
	cmd.Flags().StringVar(&f.dtype, "dtype", "f32", "arithmetic: "+strings.Join(names, ", "))
}

// options returns the options of the backend that computes so, and the dtype
// of the peak that it is held against.
func (f *arithmeticFlags) options() (opts cpu.Options, peak string, err error) {
	i := slices.IndexFunc(arithmetic, func(a struct{ flag, peak string }) bool { return a.flag == f.dtype })
	if i < 0 {
		return cpu.Options{}, "", fmt.Errorf("--dtype %q: want f32", f.dtype)
	}
	return cpu.Options{Threads: f.threads}, arithmetic[i].peak, nil
}
