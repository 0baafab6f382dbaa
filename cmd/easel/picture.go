package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/request"
	"github.com/df65613c/easel/tensor"
)

// pictureFlags are the flags of the commands that make pictures.
type pictureFlags struct {
	model                            modelFlags
	options                          sdxl.Options
	negative, prompt2, negative2     string
	seed                             int64
	cfg                              float64
	steps                            int
	batch, index                     int
	original                         sizeFlag
	target                           sizeFlag
	crop                             cropFlag
	output                           string
	trace                            string
	memory                           bytesFlag
	weighted                         weightedFlag
	negativeOriginal, negativeTarget sizeFlag
	negativeCrop                     cropFlag
	style                            string
	styles                           stylesFlag
	noising                          noisingFlags
	variation                        sdxl.Variation
	storedNoise                      storedNoiseFlags
	guidance                         guidanceFlags
	adapters                         adapterFlags
}

func (f *pictureFlags) add(cmd *cobra.Command) {
	groupFlags(cmd, pictureGroups)
	f.model.add(cmd)
	f.model.dtype.add(cmd)
	f.model.device.add(cmd)
	f.model.addSpill(cmd)
	flags, o := cmd.Flags(), &f.options
	flags.StringVarP(&o.Prompt, "prompt", "p", "", "what to draw; - reads it from standard input")
	flags.StringVarP(&f.negative, "negative", "n", "",
		"what not to draw (default: none; its embedding is zeros if the model says so)")
	flags.Var(&f.weighted, "weighted",
		"text and its weight, such as \"a red circle:0.7\"; weights below 0 say what not to draw; may be given several times, in place of -p and -n")
	flags.StringVar(&f.prompt2, "prompt-2", "", "what the second text encoder reads (default: the prompt)")
	flags.StringVar(&f.negative2, "negative-2", "",
		"what the second text encoder reads for the negative side (default: the negative prompt)")
	flags.StringVar(&o.PromptSyntax, "prompt-syntax", string(prompt.Plain),
		"how prompts are read: "+strings.Join(prompt.Syntaxes(), ", "))
	flags.IntVar(&o.ClipSkip, "clip-skip", 0,
		"how many layers before the usual one to take the hidden states from; with --dialect comfy counted from the end, 2 being the usual one; with a1111 it has no effect, as in the web UI")
	flags.StringVar(&f.style, "style", "", "style preset: "+strings.Join(request.DefaultStyles().Names(), ", "))
	flags.Var(&f.styles, "styles", "JSON file of style presets (default: those in the program)")
	flags.IntVar(&o.Width, "width", 0, "width in pixels, a multiple of 8 (default: the model's)")
	flags.IntVar(&o.Height, "height", 0, "height in pixels, a multiple of 8 (default: the model's)")
	flags.IntVar(&f.steps, "steps", sdxl.DefaultSteps, "sampling steps")
	flags.Float64Var(&f.cfg, "cfg", sdxl.DefaultCFG, "guidance scale; 1 or less is no guidance (for cfg++ 0 to 1, default 0.6)")
	f.guidance.add(cmd)
	f.adapters.addUse(cmd)
	flags.Int64Var(&f.seed, "seed", 0, "seed of the noise (default: drawn, and printed)")
	flags.StringVar(&o.Sampler, "sampler", "", "sampler: "+strings.Join(sched.SamplerNames(), ", ")+" (default: the model's)")
	flags.StringVar(&o.Schedule, "schedule", "", "sigmas: "+strings.Join(sched.ScheduleNames(), ", ")+" (default: the model's)")
	flags.StringVar(&o.Spacing, "spacing", "", "timesteps: leading, linspace, trailing (default: the model's)")
	flags.Float64Var(&o.SkipEnd, "skip-end", 0,
		"share of the steps left out at the end, 0 to 1; the last step that runs removes all noise")
	flags.StringVar(&o.Cache, "cache", "",
		"reuse the output of deep layers: deepcache:3 runs the whole UNet only on every third call, first-block:0.1 only when the residual of its first block has changed by a tenth (default: none)")
	flags.Float64SliceVar(&o.Sigmas, "sigmas", nil, "noise `levels` such as 14.6,5,1,0, in place of --schedule and --steps")
	flags.StringVar(&o.Dialect, "dialect", string(sched.Diffusers),
		"program that gives the names of samplers and schedules their meaning: "+strings.Join(sched.DialectNames(), ", "))
	f.noising.add(flags)
	flags.Int64SliceVar(&o.Seeds, "seeds", nil, "seeds `N,N,...`, one for each picture, in place of --seed and --batch")
	flags.StringVar(&o.Noise, "noise", "",
		"generator of noise: "+strings.Join(sdxl.Noises(),
			", ")+" (default torch, as on a CPU; philox as on a CUDA device; brownian-: SDE samplers follow one path at any number of steps, as in the web UIs)")
	f.storedNoise.add(flags)
	flags.Int64Var(&f.variation.Seed, "variation-seed", 0, "seed whose noise is mixed into the initial noise")
	flags.Float64Var(&f.variation.Strength, "variation-strength", 0, "share of the variation's noise, 0 to 1")
	flags.Int64Var(&o.ENSD, "ensd", 0, "eta noise seed delta of --dialect a1111: the noise of steps is that of the seed plus this")
	flags.IntVar(&f.batch, "batch", 1, "number of pictures")
	flags.IntVar(&f.index, "index", 0, "make only this picture of the batch, counted from 0 (default: all)")
	flags.Var(&f.original, "original-size", "size conditioning WxH (default: the picture's)")
	flags.Var(&f.crop, "crop", "crop conditioning X,Y of the top left corner")
	flags.Var(&f.target, "target-size", "target size conditioning WxH (default: the picture's)")
	flags.Var(&f.negativeOriginal, "negative-original-size",
		"size conditioning WxH of the negative side (default: as --original-size)")
	flags.Var(&f.negativeCrop, "negative-crop", "crop conditioning X,Y of the negative side (default: as --crop)")
	flags.Var(&f.negativeTarget, "negative-target-size",
		"target size conditioning WxH of the negative side (default: as --target-size)")
	flags.StringVarP(&f.output, "output", "o", "out.png",
		"file to write, .png, .jpg or .webp; with --batch numbers are added to its name; - writes a PNG to standard output")
	flags.Var(&f.memory, "memory", "memory to use in addition to the model's file, such as 2GiB (default: no limit)")
	flags.StringVar(&f.trace, "trace", "", "safetensors file for noise, embeddings, sigmas and latents of every step")
}

// run makes the pictures; more sets what only one of the commands has.
func (f *pictureFlags) run(cmd *cobra.Command, args []string, more func(*sdxl.Options) error) error {
	ctx := cmd.Context()
	o, err := f.read(cmd, args, more)
	if err != nil {
		return err
	}
	pipe, closePipe, err := f.model.pipeline(cmd, sdxl.AllParts,
		sdxl.PipelineOptions{Memory: f.memory.n, Keep: -1, Adapters: &f.adapters.library, Embeddings: &f.adapters.words})
	if err != nil {
		return err
	}
	defer closePipe()
	bar := newProgress(cmd.ErrOrStderr())
	o.Progress = bar.step
	result, err := pipe.Generate(ctx, o)
	bar.end()
	if err != nil {
		return err
	}
	if err := f.write(cmd, result, o.Trace); err != nil {
		return err
	}
	return f.storedNoise.write()
}

// read returns the options that the command line says.
func (f *pictureFlags) read(cmd *cobra.Command, args []string, more func(*sdxl.Options) error) (o sdxl.Options, err error) {
	o = f.options
	if err := f.check(); err != nil {
		return o, err
	}
	if o.Prompt, err = readPrompt(cmd, args, o.Prompt, f.weighted.prompts != nil); err != nil {
		return o, err
	}
	flags := cmd.Flags()
	if flags.Changed("negative") {
		o.Negative = &f.negative
	}
	if flags.Changed("prompt-2") {
		o.Prompt2 = &f.prompt2
	}
	if flags.Changed("negative-2") {
		o.Negative2 = &f.negative2
	}
	o.Prompts = f.weighted.prompts
	if f.style != "" {
		if err := f.styles.orDefault().Apply(&o, f.style); err != nil {
			return o, fmt.Errorf("--style: %w", err)
		}
	}
	if flags.Changed("seed") {
		o.Seed = &f.seed
	}
	f.guidance.apply(cmd, &o)
	if o.Adapters, err = f.adapters.adapters(); err != nil {
		return o, err
	}
	if flags.Changed("cfg") {
		o.CFG = &f.cfg
	}
	if o.Seeds == nil || flags.Changed("batch") {
		o.Batch = &f.batch
	}
	if flags.Changed("index") {
		o.Index = &f.index
	}
	if flags.Changed("variation-seed") && !flags.Changed("variation-strength") {
		return o, errors.New("--variation-seed is given without --variation-strength, want both")
	}
	if f.variation.Strength != 0 {
		o.Variation = &f.variation
	}
	o.Noising = f.noising.value(flags)
	if o.NoiseFrom, err = f.storedNoise.source(); err != nil {
		return o, err
	}
	o.OnNoise = f.storedNoise.keep()
	if o.Sigmas == nil || flags.Changed("steps") {
		o.Steps = &f.steps
	}
	o.OriginalSize, o.TargetSize, o.Crop = f.original.size, f.target.size, f.crop.point
	o.NegativeOriginalSize, o.NegativeTargetSize = f.negativeOriginal.size, f.negativeTarget.size
	if flags.Changed("negative-crop") {
		o.NegativeCrop = &f.negativeCrop.point
	}
	if err := more(&o); err != nil {
		return o, err
	}
	if f.trace != "" {
		o.Trace = make(map[string]*tensor.Tensor)
	}
	return o, nil
}

// check finds faults that need no model, before time is spent.
func (f *pictureFlags) check() error {
	pictures := max(f.batch, len(f.options.Seeds))
	if pictures > 1 && isStream(f.output) {
		return fmt.Errorf("--output %s takes one picture, and there are %d: want the name of a file, to which a number is added",
			f.output, pictures)
	}
	paths := []string{f.trace, f.storedNoise.save}
	for i := range max(pictures, 1) {
		paths = append(paths, numbered(f.output, i, pictures))
	}
	for _, path := range paths {
		if path == "" {
			continue
		}
		if err := checkWritable(path); err != nil {
			return err
		}
	}
	if _, err := pictureFormat(f.output); err != nil {
		return fmt.Errorf("--output %w", err)
	}
	return nil
}

func (f *pictureFlags) write(cmd *cobra.Command, result *sdxl.Result, trace map[string]*tensor.Tensor) error {
	for i, img := range result.Images {
		path, o := numbered(f.output, i, len(result.Images)), result.Parameters.Of(i)
		if err := writePicture(cmd, path, img, o); err != nil {
			return err
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s (seed %d)\n", path, seedOf(&o))
	}
	if trace != nil {
		return writeOutput(cmd, f.trace, func(w io.Writer) error { return safetensors.Write(w, trace, nil) })
	}
	return nil
}

// seedOf returns the seed of a picture.
func seedOf(o *sdxl.Options) int64 {
	if o.Seed == nil { // of one picture
		return o.Seeds[0]
	}
	return *o.Seed
}

// numbered returns path for a single file, and out-1.png, out-2.png for more.
func numbered(path string, i, n int) string {
	if n <= 1 {
		return path
	}
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(path, ext), i+1, ext)
}
