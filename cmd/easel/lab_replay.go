//go:build !nodemo

package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

func newLabReplay() *cobra.Command {
	var f studyFlags
	var run samplingFlags
	var record bool
	cmd := &cobra.Command{
		Use:   "replay FILE.safetensors",
		Short: "Record a sampler's calls of a model, or replay a recording without the model",
		Args:  cobra.ExactArgs(1),
		Example: `  easel lab replay --record --sampler uni_pc --steps 12 run.safetensors
  easel lab replay run.safetensors`,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := args[0]
			if record {
				if err := checkWritable(path); err != nil {
					return err
				}
				return f.run(cmd, func(s *sdxl.Study) error {
					sampler, sigmas, err := run.of(s)
					if err != nil {
						return err
					}
					rec, err := lab.Record(cmd.Context(), s, sampler, sigmas)
					if err != nil {
						return err
					}
					return atomicfile.Write(path, rec.Write)
				})
			}
			rec, err := lab.ReadRecording(path)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("sampler") {
				run.sampler = rec.Sampler
			}
			sampler, err := sched.SamplerNamed(run.sampler)
			if err != nil {
				return err
			}
			from := time.Now()
			latents, err := rec.Replay(cmd.Context(), sampler)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if !slices.Equal(latents, rec.Latents()) {
				return fmt.Errorf("%s: %s ends with other latents than the recorded run of %s", path, sampler.Name, rec.Sampler)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: the same latents after %d calls, %.2f ms\n", path, len(rec.Levels),
				1e3*time.Since(from).Seconds())
			return err
		},
	}
	f.add(cmd)
	run.add(cmd)
	cmd.Flags().BoolVar(&record, "record", false, "run the model and write the file")
	return cmd
}
