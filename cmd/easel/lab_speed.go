//go:build !nodemo

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/peak"
	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
)

// latentNumbers is how many numbers a picture's latents are for each pixel: 4
// planes of an eighth of its sides.
func latentNumbers(width, height int) int { return 4 * (width / 8) * (height / 8) }

func newLabSpeed() *cobra.Command {
	var out labFlags
	var names []string
	var size sizeFlag
	var steps int
	var each time.Duration
	cmd := &cobra.Command{
		Use:   "speed",
		Short: "Measure what samplers themselves cost a step, without a network",
		Long: `Measure the time of samplers themselves, without a network or noise. The rate counts the least
memory traffic of a step: for each call of the denoiser, x and the estimate are read and x is
written. A plain loop of one addition over arrays of that size is shown for comparison.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			w, h := 1024, 1024
			if size.size != nil {
				w, h = size.size.Width, size.size.Height
			}
			if w%8 != 0 || h%8 != 0 || w > 1<<14 || h > 1<<14 {
				return fmt.Errorf("--size %dx%d: want multiples of 8 up to 16384", w, h)
			}
			samplers, err := samplersNamed(names)
			if err != nil {
				return err
			}
			speeds, rate, err := lab.MeasureSpeed(cmd.Context(), samplers, latentNumbers(w, h), steps, each)
			if err != nil {
				return err
			}
			memory, err := peak.Memory(cmd.Context(), 1)
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(),
				"latents of %dx%d, %.2f MB; the plain loop goes at %.1f GB/s, one thread copies memory at %.1f\n",
				w, h, 4e-6*float64(latentNumbers(w, h)), rate, memory.Copy)
			return out.write(cmd, study{value: speeds, table: lab.SpeedTable(speeds), figure: lab.SpeedFigure(speeds)})
		},
	}
	out.add(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&names, "sampler", sched.SamplerNames(), "samplers")
	flags.Lookup("sampler").DefValue = "all"
	flags.Var(&size, "size", "picture whose latents are sampled (default 1024x1024)")
	flags.IntVar(&steps, "steps", 20, "steps of a run; its set-up time is included")
	flags.DurationVar(&each, "time", 200*time.Millisecond, "time for each sampler")
	return cmd
}
