package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/nn"
)

// precisionFlag is --dtype of the commands that compute.
type precisionFlag struct{ precision nn.Precision }

func (f *precisionFlag) String() string { return string(f.precision) }

func (f *precisionFlag) Type() string { return "PRECISION" }

func (f *precisionFlag) Set(s string) (err error) {
	f.precision, err = nn.ParsePrecision(s)
	return err
}

func (f *precisionFlag) add(cmd *cobra.Command) {
	f.precision = nn.F32
	cmd.Flags().Var(f, "dtype",
		"precision of matrix products and convolutions: "+strings.Join(nn.Precisions(),
			", ")+"; f32 gives the reference's numbers; auto is bf16 on a processor that has it, f16 on a GPU")
}
