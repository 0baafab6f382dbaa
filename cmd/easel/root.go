package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/df65613c/easel/internal/hubcache"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "easel",
		Short:         "Pictures and text embeddings with Stable Diffusion XL, in pure Go",
		Version:       version(),
		SilenceErrors: true,
		SilenceUsage:  true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			return handOver(cmd)
		},
	}
	root.AddCommand(newTxt2Img(), newImg2Img(), newEmbed(), newClip(), newSearch(), newTokenize(), newRun(), newInspect(),
		newConvert(), newPull(), newPlan(), newPredict(), newServe(), newVerify(), newBench(), newDevices())
	root.AddCommand(newFullCommands()...)
	explainArguments(root)
	hideEmptyDefaults(root)
	root.SetUsageFunc(usage(nil))
	return root
}

// hideEmptyDefaults keeps "(default [])" and the like out of the help. pflag
// itself hides "[]" for its own types of lists.
func hideEmptyDefaults(cmd *cobra.Command) {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		hidden := slices.Contains([]string{"stringArray", "stringSlice", "intSlice"}, f.Value.Type())
		if f.DefValue == "[]" && !hidden || f.Name == "negative-crop" {
			f.DefValue = ""
		}
	})
	for _, c := range cmd.Commands() {
		hideEmptyDefaults(c)
	}
}

// explainArguments makes the errors for a wrong number of arguments say what a
// command takes.
func explainArguments(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err == nil || len(args) == 1 && cmd.ValidArgs != nil { // the error names the argument
				return err
			}
			return fmt.Errorf("%d arguments; usage: %s (quote a text that has spaces)", len(args), cmd.UseLine())
		}
	}
	for _, c := range cmd.Commands() {
		explainArguments(c)
	}
}

// modelFlags are the flags of every command that opens a model.
type modelFlags struct {
	path    string
	options sdxl.OpenOptions
	threads int
	spill   string
	dtype   precisionFlag // of commands that compute
	device  deviceFlag    // of these
	profile profileFlag
}

func (f *modelFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.path, "model", "m", "",
		"diffusers folder, single-file checkpoint (safetensors, GGUF, .ckpt), or org/name of a model in the Hugging Face cache (default: the model in this program)")
	flags.StringVar(&f.options.Config, "config", "", "diffusers folder whose configuration and tokenizers a single file takes")
	flags.StringVar(&f.options.Variant, "variant", "",
		"variant of a folder's files, such as fp16; parts without it use their plain files")
	addParts(flags, &f.options)
	flags.BoolVar(&f.options.AllowUnused, "allow-unused", false, "continue although tensors of the model or of a LoRA are unused")
	flags.IntVar(&f.threads, "threads", 0, "threads (default: all processors)")
	f.profile.add(cmd)
}

// addParts adds the flags that take parts of a model from elsewhere.
func addParts(flags *pflag.FlagSet, o *sdxl.OpenOptions) {
	const from = ": a file (safetensors, GGUF, .ckpt) of it or of a whole model, or a folder"
	flags.StringVar(&o.UNet, "unet", "", "UNet instead of the model's"+from)
	flags.StringVar(&o.VAE, "vae", "", "VAE instead of the model's"+from)
	flags.StringVar(&o.TextEncoder, "text-encoder", "", "first text encoder (CLIP L) instead of the model's"+from)
	flags.StringVar(&o.TextEncoder2, "text-encoder-2", "", "second text encoder (CLIP bigG) instead of the model's"+from)
}

// addSpill adds a flag to commands that have --memory.
func (f *modelFlags) addSpill(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.spill, "spill-dir", "",
		"folder for the temporary file with work memory that does not fit in --memory (default /var/tmp)")
}

// open opens the parts of the model that a command needs.
func (f *modelFlags) open(log io.Writer, parts sdxl.Parts) (*sdxl.Model, error) {
	if f.threads < 0 {
		return nil, errors.New("--threads must not be negative")
	}
	opts := f.options
	opts.Parts = parts
	if f.path != "" || opts.UNet != "" { // the parts of another model are of no use to the one in the program
		return openModel(f.path, opts)
	}
	m, err := openBuiltin(opts)
	if err == nil {
		fmt.Fprintln(log, "no -m: using the small model in this program, which draws coloured shapes")
	}
	return m, err
}

// openModel opens a model by its path or its name in the Hugging Face cache.
func openModel(path string, opts sdxl.OpenOptions) (*sdxl.Model, error) {
	path, opts, err := findModel(path, opts)
	if err != nil {
		return nil, err
	}
	return sdxl.Open(path, opts)
}

// findModel returns where a model and its configuration lie on this machine.
func findModel(path string, opts sdxl.OpenOptions) (string, sdxl.OpenOptions, error) {
	for _, p := range []*string{&path, &opts.Config, &opts.UNet, &opts.VAE, &opts.TextEncoder, &opts.TextEncoder2} {
		if *p == "" {
			continue
		}
		var err error
		if *p, err = hubcache.Find(*p); err != nil {
			return "", opts, err
		}
	}
	return path, opts, nil
}

// backend opens the device, with memory bytes of it if that is not 0, and returns
// the limit that the pipeline is to keep: a GPU keeps its own.
func (f *modelFlags) backend(memory int64) (b nn.Backend, limit int64, err error) {
	if f.spill != "" {
		if info, err := os.Stat(f.spill); err != nil || !info.IsDir() {
			return nil, 0, fmt.Errorf("--spill-dir %s: want a folder that is there", f.spill)
		}
	}
	here := cpu.Options{Threads: f.threads, Precision: f.dtype.precision, Profile: f.profile.taken, SpillDir: f.spill}
	if b, err = f.device.open(here, memory); err != nil {
		return nil, 0, err
	}
	if _, ok := b.(*cpu.Backend); ok {
		limit = memory
	}
	return b, limit, nil
}

// pipeline opens the model, the device and a pipeline of both, within o.Memory bytes
// if that is not 0. close closes the three, and the adapters.
func (f *modelFlags) pipeline(cmd *cobra.Command, parts sdxl.Parts, o sdxl.PipelineOptions) (p *sdxl.Pipeline,
	close func() error, err error) {
	if err := checkAdapterDirs(&o); err != nil {
		return nil, nil, err
	}
	m, err := f.open(cmd.ErrOrStderr(), parts)
	if err != nil {
		return nil, nil, err
	}
	if o.Memory > 0 {
		debug.SetMemoryLimit(o.Memory) // what one stage leaves behind is gone before the next
	}
	b, limit, err := f.backend(o.Memory)
	if err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	o.Memory, o.AllowUnused = limit, f.options.AllowUnused
	p = sdxl.NewPipeline(m, b, o)
	return p, func() error {
		err := errors.Join(p.Close(), b.Close(), m.Close())
		if o.Adapters != nil {
			err = errors.Join(err, o.Adapters.Close())
		}
		return err
	}, nil
}

// version returns the version that the program was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	return cmp.Or(v, "(devel)")
}
