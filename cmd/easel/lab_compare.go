//go:build !nodemo

package main

import (
	"fmt"
	"image"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/lab"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

func newLabCompare() *cobra.Command {
	var f studyFlags
	var out labFlags
	var grid lab.Grid
	var names []string
	var sheet string
	cmd := &cobra.Command{
		Use:   "compare",
		Short: "Compare samplers, schedules and steps: pictures, and their distance to a solution in 1000 steps",
		Long: `Compare samplers, schedules and steps on a model, all from the same noise at the same noise level.
Distances are to a solution of the ODE in many steps. Samplers that add noise have no distance,
since they are meant to draw another picture.`,
		Args: cobra.NoArgs,
		Example: `  easel lab compare --sampler euler,dpmpp_2m,uni_pc --schedule normal,karras --steps 8,16,32 -o sheet.png --report report.html
  easel lab compare --sampler euler,heun,dpmpp_2m --steps 24 --calls`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := out.check(); err != nil {
				return err
			}
			if sheet != "" {
				if !isStream(sheet) && !strings.HasSuffix(strings.ToLower(sheet), ".png") {
					return fmt.Errorf("--output %s: want a name that ends in .png", sheet)
				}
				if err := checkWritable(sheet); err != nil {
					return err
				}
			}
			if grid.Reference < 1 {
				return fmt.Errorf("--reference-steps %d: want 1 or more", grid.Reference)
			}
			var err error
			if grid.Samplers, err = samplersNamed(names); err != nil {
				return err
			}
			return f.run(cmd, func(s *sdxl.Study) error {
				trials, err := lab.Compare(cmd.Context(), s, grid, say(cmd.ErrOrStderr()))
				if err != nil {
					return err
				}
				var images []image.Image
				var captions []string
				for _, t := range trials {
					images, captions = append(images, t.Image), append(captions, strings.TrimSpace(t.String()+" "+f.label(cmd)))
				}
				made := contactSheet(images, captions)
				if sheet != "" {
					if err := writeOutput(cmd, sheet, func(w io.Writer) error { return imagefile.EncodePNG(w, made, nil) }); err != nil {
						return err
					}
				}
				return out.write(cmd, study{value: trials, table: lab.CompareTable(trials), figure: lab.CompareFigure(trials),
					images: []image.Image{made}})
			})
		},
	}
	f.add(cmd)
	out.add(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&names, "sampler", []string{"euler", "heun", "dpmpp_2m", "uni_pc"},
		"samplers: "+strings.Join(sched.SamplerNames(), ", "))
	flags.StringSliceVar(&grid.Schedules, "schedule", []string{"karras"}, "sigmas: "+strings.Join(sched.ScheduleNames(), ", "))
	flags.IntSliceVar(&grid.Steps, "steps", []int{8, 16, 32}, "numbers of steps")
	flags.BoolVar(&grid.Calls, "calls", false,
		"--steps are calls of the denoiser: a sampler that calls it twice a step takes half as many steps")
	flags.IntVar(&grid.Reference, "reference-steps", lab.DefaultReference, "steps of the solution that distances refer to")
	flags.StringVarP(&sheet, "output", "o", "", "contact sheet to write, too: a PNG")
	return cmd
}
