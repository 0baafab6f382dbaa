//go:build !nodemo

package main

import (
	"context"
	"fmt"
	"image"
	"io"
	"path/filepath"
	"strings"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/quality"
	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

func newBenchQuality() *cobra.Command {
	var model modelFlags
	var samplers, schedules, caches []string
	var steps []int
	var cfgs []float64
	var count int
	var csvPath, plotPath string
	var presets bool
	var guidance guidanceFlags
	cmd := &cobra.Command{
		Use:   "quality",
		Short: "Measure how many captions of shapes are drawn right, by sampler, steps and cfg",
		Long: `Draw captions of coloured shapes and check the shapes, colours, places and numbers in each picture.
The captions have combinations that the training of the model in the box left out; docs/model.md
says what its initial weights had seen.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			for _, path := range []string{csvPath, plotPath} {
				if path == "" {
					continue
				}
				if err := checkWritable(path); err != nil {
					return err
				}
			}
			scenes, err := quality.Scenes()
			if err != nil {
				return err
			}
			if count < 1 || count > len(scenes) {
				return fmt.Errorf("--captions %d: want 1 to %d", count, len(scenes))
			}
			pipe, closePipe, err := model.pipeline(cmd, sdxl.AllParts, sdxl.PipelineOptions{})
			if err != nil {
				return err
			}
			defer closePipe()
			if presets {
				return benchPresets(cmd, pipe)
			}
			draw := func(ctx context.Context, caption string, seed int64, s quality.Setting) (*image.NRGBA, error) {
				o := sdxl.Options{Prompt: caption, Seed: &seed, Steps: &s.Steps, CFG: &s.CFG, Sampler: s.Sampler,
					Schedule: s.Schedule, Cache: s.Cache}
				guidance.apply(cmd, &o)
				r, err := pipe.Generate(ctx, o)
				if err != nil {
					return nil, err
				}
				return r.Images[0], nil
			}
			var settings []quality.Setting
			for _, sampler := range samplers {
				for _, schedule := range schedules {
					for _, n := range steps {
						for _, cfg := range cfgs {
							for _, cache := range caches {
								settings = append(settings,
									quality.Setting{Sampler: sampler, Schedule: schedule, Steps: n, CFG: cfg, Cache: strings.TrimPrefix(cache, "none")})
							}
						}
					}
				}
			}
			bar := pictureBar(cmd, len(settings)*count)
			tallies, err := quality.Run(cmd.Context(), spread(scenes, count), settings, draw, func(done, _ int) { _ = bar.Set(done) })
			if err != nil {
				return err
			}
			if csvPath != "" {
				if err := atomicfile.Write(csvPath, func(w io.Writer) error { return quality.WriteCSV(w, tallies) }); err != nil {
					return err
				}
			}
			if plotPath != "" {
				format := strings.TrimPrefix(strings.ToLower(filepath.Ext(plotPath)), ".")
				if err := atomicfile.Write(plotPath, func(w io.Writer) error { return quality.WritePlot(w, format, tallies) }); err != nil {
					return err
				}
			}
			return quality.WriteTable(cmd.OutOrStdout(), tallies)
		},
	}
	model.add(cmd)
	guidance.add(cmd)
	flags := cmd.Flags()
	flags.StringSliceVar(&samplers, "sampler", []string{"dpmpp_2m"}, "samplers: "+strings.Join(sched.SamplerNames(), ", "))
	flags.StringSliceVar(&schedules, "schedule", []string{"karras"}, "sigmas: "+strings.Join(sched.ScheduleNames(), ", "))
	flags.IntSliceVar(&steps, "steps", []int{20}, "sampling steps")
	flags.Float64SliceVar(&cfgs, "cfg", []float64{5}, "guidance scales")
	flags.StringSliceVar(&caches, "cache", []string{"none"},
		"caches across steps, such as none,deepcache:3,first-block:0.1; those after none are compared with it")
	flags.IntVar(&count, "captions", 200, "number of captions, spread over the kinds")
	flags.BoolVar(&presets, "presets", false,
		"draw ten captions in each style preset instead, and name the style of each picture: 20 steps of dpmpp_2m karras, cfg 5")
	flags.StringVar(&csvPath, "csv", "", "CSV file to write, too")
	flags.StringVar(&plotPath, "plot", "", "plot to write, too: a name that ends in .png, .svg or .pdf")
	for _, other := range []string{"sampler", "schedule", "steps", "cfg", "cache", "captions", "csv", "plot"} {
		cmd.MarkFlagsMutuallyExclusive("presets", other)
	}
	return cmd
}

func pictureBar(cmd *cobra.Command, n int) *progressbar.ProgressBar {
	return progressbar.NewOptions(n, progressbar.OptionSetWriter(cmd.ErrOrStderr()),
		progressbar.OptionSetDescription("pictures"), progressbar.OptionShowCount(), progressbar.OptionClearOnFinish(),
		progressbar.OptionSetVisibility(isTerminal(cmd.ErrOrStderr())))
}

// benchPresets draws the captions of the style presets, with the words that a
// request's style_preset adds, and prints which style each picture has.
func benchPresets(cmd *cobra.Command, pipe *sdxl.Pipeline) error {
	scenes, err := quality.PresetScenes()
	if err != nil {
		return err
	}
	styles := request.DefaultStyles()
	draw := func(ctx context.Context, s quality.Scene, seed int64) (*image.NRGBA, error) {
		o := sdxl.Options{Prompt: s.Caption, Seed: &seed, Steps: new(20), CFG: new(5.0), Sampler: "dpmpp_2m", Schedule: "karras"}
		if err := styles.Apply(&o, s.Style); err != nil {
			return nil, err
		}
		r, err := pipe.Generate(ctx, o)
		if err != nil {
			return nil, err
		}
		return r.Images[0], nil
	}
	bar := pictureBar(cmd, len(scenes))
	tallies, err := quality.RunStyles(cmd.Context(), scenes, draw, func(done, _ int) { _ = bar.Set(done) })
	if err != nil {
		return err
	}
	return quality.WriteStyleTable(cmd.OutOrStdout(), tallies)
}

// spread picks n scenes at even distances, so that every kind keeps its share.
func spread(scenes []quality.Scene, n int) []quality.Scene {
	picked := make([]quality.Scene, n)
	for i := range picked {
		picked[i] = scenes[i*len(scenes)/n]
	}
	return picked
}
