//go:build !nodemo

package main

import (
	"fmt"
	"image"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// demoPrompts show what the model in the box has learnt.
var demoPrompts = []string{
	"a red circle above a blue square",
	"three small yellow stars on a dark blue background",
	"a striped green ring left of a pink heart",
	"pixel art of an orange triangle",
	"a large yellow moon in a starry night sky",
	"a small white heart inside a large red circle",
	"neon sign of a cyan star",
	"four purple squares on a yellow background",
	"a watercolor painting of a purple flower",
	"low poly art of a red heart",
	"a blue circle, a green square and a red triangle",
	"a brown cross in the top left corner",
}

// demoPrompt is what styles and samplers are compared on.
const demoPrompt = "a red heart on a yellow background"

// demoPicture is a request and what stands below its picture.
type demoPicture struct {
	caption string
	request request.Request
}

// demoPictures lists a sheet's pictures: of the prompts, or of one prompt by
// each style or each sampler.
func demoPictures(styles, samplers bool, seed int64) []demoPicture {
	var list []demoPicture
	add := func(caption, prompt, style, sampler string) {
		r := request.Request{TextPrompts: []request.TextPrompt{{Text: prompt}}, Seed: &seed, Steps: new(20),
			CFGScale: new(sdxl.DefaultCFG), Sampler: sampler, StylePreset: style}
		if sampler == "" {
			r.Sampler, r.Extras = "dpmpp_2m", &sdxl.Options{Schedule: "karras"}
		}
		list = append(list, demoPicture{caption, r})
	}
	if styles {
		for _, name := range request.DefaultStyles().Names() {
			add(name, demoPrompt, name, "")
		}
	}
	if samplers {
		for _, name := range append(sched.SamplerNames(), sched.SamplerAliases()...) {
			add(name, demoPrompt, "", name)
		}
	}
	if list == nil {
		for _, prompt := range demoPrompts {
			add(prompt, prompt, "", "")
		}
	}
	return list
}

func newDemo() *cobra.Command {
	var output string
	var seed int64
	var threads int
	var styles, samplers bool
	cmd := &cobra.Command{
		Use:   "demo -o FILE.png",
		Short: "Draw a contact sheet with the model in the box: a dozen prompts, the styles, or the samplers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkWritable(output); err != nil {
				return err
			}
			if seed < 1 || seed > math.MaxUint32 {
				return fmt.Errorf("--seed is %d, want 1 to %d", seed, uint32(math.MaxUint32))
			}
			m, err := openBuiltin(sdxl.OpenOptions{})
			if err != nil {
				return err
			}
			defer m.Close()
			backend, _, err := (&modelFlags{threads: threads}).backend(0)
			if err != nil {
				return err
			}
			defer backend.Close()
			pipe := sdxl.NewPipeline(m, backend, sdxl.PipelineOptions{})
			var images []image.Image
			var captions []string
			list := demoPictures(styles, samplers, seed)
			for i, p := range list {
				fmt.Fprintf(cmd.ErrOrStderr(), "%d/%d %s\n", i+1, len(list), p.caption)
				o, err := request.Options{}.Options(cmd.Context(), m, &p.request)
				if err != nil {
					return err
				}
				r, err := pipe.Generate(cmd.Context(), o)
				if err != nil {
					return err
				}
				images, captions = append(images, r.Images[0]), append(captions, p.caption)
			}
			return writeOutput(cmd, output, func(w io.Writer) error {
				return imagefile.EncodePNG(w, contactSheet(images, captions), nil)
			})
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "demo.png", "PNG file to write, - for standard output")
	cmd.Flags().BoolVar(&styles, "styles", false, "one prompt in every style preset")
	cmd.Flags().BoolVar(&samplers, "samplers", false, "one prompt by every sampler")
	cmd.Flags().Int64Var(&seed, "seed", 1, "seed of the noise")
	cmd.Flags().IntVar(&threads, "threads", 0, "threads (default: all processors)")
	return cmd
}
