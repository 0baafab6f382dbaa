package main

import (
	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/nn/profile"
)

// profileFlag names the file for the times of a command's operations.
type profileFlag struct {
	path  string
	taken *profile.Profile // nil unless asked for
}

func (f *profileFlag) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.path, "profile", "",
		"JSON file for the time of every operation, for Chrome's tracing page; a table is printed, too")
	before, after := cmd.PreRunE, cmd.PostRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		if f.path != "" {
			if err := checkWritable(f.path); err != nil {
				return err
			}
			f.taken = new(profile.Profile)
		}
		if before == nil {
			return nil
		}
		return before(cmd, args)
	}
	cmd.PostRunE = func(cmd *cobra.Command, args []string) error {
		if f.taken != nil {
			if err := f.taken.WriteTable(cmd.ErrOrStderr()); err != nil {
				return err
			}
			if err := atomicfile.Write(f.path, f.taken.WriteTrace); err != nil {
				return err
			}
		}
		if after == nil {
			return nil
		}
		return after(cmd, args)
	}
}
