package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/hubcache"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

// clipFlags are the flags of the commands that open a model of CLIP.
type clipFlags struct {
	path, images string
	options      clip.Options
	dtype        precisionFlag
	device       deviceFlag
}

func (f *clipFlags) add(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVarP(&f.path, "model", "m", "",
		"folder of CLIP or SigLIP, OpenCLIP's file, org/name of a model in the Hugging Face cache, or a model of Stable Diffusion XL, whose second text encoder is taken (default: a small pair in the program, which knows coloured shapes)")
	flags.StringVar(&f.images, "image-model", "",
		"take the image tower of this model, such as IP-Adapter's image encoder for -m of Stable Diffusion XL")
	flags.StringVar(&f.options.Activation, "activation", "", "gelu or quick_gelu, for OpenCLIP files that don't say which")
	flags.BoolVar(&f.options.AllowUnused, "allow-unused", false, "continue although tensors of the model are unused")
	flags.IntVar(&f.options.Threads, "threads", 0, "threads (default: all processors)")
	f.dtype.add(cmd)
	f.device.add(cmd)
}

// open opens the device and the model; the function that it returns closes both.
func (f *clipFlags) open() (*clip.Model, func() error, error) {
	if f.options.Threads < 0 {
		return nil, nil, errors.New("--threads must not be negative")
	}
	b, err := f.device.open(cpu.Options{Threads: f.options.Threads, Precision: f.dtype.precision}, 0)
	if err != nil {
		return nil, nil, err
	}
	f.options.Backend = b
	m, closeModel, err := f.openModel()
	if err != nil {
		return nil, nil, errors.Join(err, b.Close())
	}
	return m, func() error { return errors.Join(closeModel(), b.Close()) }, nil
}

func (f *clipFlags) openModel() (*clip.Model, func() error, error) {
	m, closeModel, err := openCLIP(f.path, f.options)
	if err != nil || f.images == "" {
		return m, closeModel, err
	}
	images, _, err := openCLIP(f.images, f.options)
	if err != nil {
		return nil, nil, errors.Join(err, closeModel())
	}
	pair, err := clip.Pair(m, images)
	if err != nil {
		return nil, nil, errors.Join(err, closeModel(), images.Close())
	}
	return pair, func() error { return errors.Join(images.Close(), closeModel()) }, nil
}

// openCLIP opens a model of CLIP, or else the text encoder of one of Stable
// Diffusion XL; with no path the pair in the program.
func openCLIP(path string, o clip.Options) (*clip.Model, func() error, error) {
	if path == "" {
		m, err := openBuiltinCLIP(o)
		if err != nil {
			return nil, nil, err
		}
		return m, m.Close, nil
	}
	path, err := hubcache.Find(path)
	if err != nil {
		return nil, nil, err
	}
	m, err := clip.Open(path, o)
	if !errors.Is(err, clip.ErrNotCLIP) {
		if err != nil {
			return nil, nil, err
		}
		return m, m.Close, nil
	}
	whole, errSDXL := sdxl.Open(path, sdxl.OpenOptions{Parts: sdxl.TextParts, AllowUnused: o.AllowUnused})
	if errSDXL != nil {
		return nil, nil, errors.Join(err, errSDXL)
	}
	if m, err = whole.CLIP(o); err != nil {
		return nil, nil, errors.Join(err, whole.Close())
	}
	return m, func() error { return errors.Join(m.Close(), whole.Close()) }, nil
}

// clipRun is what easel clip is asked for.
type clipRun struct {
	model             clipFlags
	prompts, pictures []string
	textFile, labels  string
	folder, output    string
	keepGoing         bool
	log               io.Writer
}

func newClip() *cobra.Command {
	var r clipRun
	cmd := &cobra.Command{
		Use:   "clip [-m MODEL] [-p TEXT] [--texts FILE] [PICTURE...] [--dir FOLDER] [-o FILE]",
		Short: "Embed texts and pictures in one vector space, and compare them",
		Long: `Embed texts and pictures as vectors of length 1 in one space, with CLIP or SigLIP.

Texts come from -p and from --texts, a JSON list or a file with one text a line. The output's name
gives its format: .safetensors holds text_embeds and image_embeds [N,dim] and, with both, logits
[pictures,texts]; .npy holds the vectors of either, with the names in a .txt file beside it; .jsonl,
and output without -o, have a line of JSON for each, .parquet has a row for each.

--dir takes all pictures in a folder and its subfolders. Finished vectors are saved beside the
output, so that a run that was stopped continues where it was.

--labels "a cat,a dog" prints the probability of each text for each picture.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			r.pictures = append(r.pictures, args...)
			r.log = cmd.ErrOrStderr()
			return r.run(cmd.Context(), cmd.OutOrStdout())
		},
	}
	cmd.AddCommand(newClipServe())
	cmd.Args = cobra.ArbitraryArgs // pictures, beside the command below this one
	r.model.add(cmd)
	flags := cmd.Flags()
	flags.StringArrayVarP(&r.prompts, "prompt", "p", nil, "text; may be given several times")
	flags.StringVar(&r.textFile, "texts", "", "file of texts: a JSON list, or one text a line")
	flags.StringArrayVar(&r.pictures, "images", nil, "picture; may be given several times, as may pictures without a flag")
	flags.StringVar(&r.folder, "dir", "", "folder of pictures")
	flags.StringVar(&r.labels, "labels", "", "comma-separated texts whose probabilities are printed for each picture")
	flags.StringVarP(&r.output, "out", "o", "", "file to write: .safetensors, .npy, .jsonl or .parquet")
	flags.BoolVar(&r.keepGoing, "keep-going", false, "skip pictures that can't be read")
	return cmd
}

func (r *clipRun) run(ctx context.Context, stdout io.Writer) error {
	texts, err := r.texts()
	if err != nil {
		return err
	}
	switch {
	case r.folder != "" && (len(texts) > 0 || len(r.pictures) > 0 || r.labels != ""):
		return errors.New("--dir goes with no texts, pictures or --labels")
	case r.folder != "" && r.output == "":
		return errors.New("--dir takes an output: name it with -o")
	case r.labels != "" && (len(texts) > 0 || r.output != ""):
		return errors.New("--labels goes with no -p, --texts or -o")
	case r.labels != "" && len(r.pictures) == 0:
		return errors.New("--labels takes a picture")
	case r.folder == "" && len(texts)+len(r.pictures) == 0:
		return errors.New("nothing to do: give texts with -p or --texts, or pictures")
	}
	write, err := vectorWriter(r.output)
	if err != nil {
		return err
	}
	if r.output != "" {
		if err := checkWritable(r.output); err != nil {
			return err
		}
	}
	m, closeModel, err := r.model.open()
	if err != nil {
		return err
	}
	defer closeModel()
	if r.folder != "" {
		return r.embedFolder(ctx, m, write)
	}
	if r.labels != "" {
		texts = splitLabels(r.labels)
	}
	v, err := r.embed(ctx, m, texts)
	switch {
	case err != nil:
		return err
	case r.labels != "":
		return printProbabilities(stdout, m, v)
	case r.output == "":
		return writeLines(stdout, v)
	}
	return write(r.output, v)
}

// vectors are texts and pictures with their vectors.
type vectors struct {
	model           *clip.Model
	texts, pictures []string
	ofTexts         [][]float32
	ofPictures      [][]float32
}

// embed turns texts and pictures into vectors, and reports texts that are too
// long.
func (r *clipRun) embed(ctx context.Context, m *clip.Model, texts []string) (v vectors, err error) {
	v = vectors{model: m, texts: texts}
	for _, text := range texts {
		if n, cut, err := m.TextTokens(text); err == nil && cut {
			fmt.Fprintf(r.log, "%.60q is longer than %d tokens: its end is not read\n", text, n)
		}
	}
	if len(texts) > 0 {
		if v.ofTexts, err = m.EmbedTexts(ctx, texts); err != nil {
			return v, err
		}
	}
	err = embedFiles(ctx, m, r.pictures, func(path string, vector []float32, err error) error {
		if err != nil {
			return r.skip(err)
		}
		v.pictures, v.ofPictures = append(v.pictures, path), append(v.ofPictures, vector)
		return nil
	})
	return v, err
}

// skip reports a picture that can't be read, if the others go on.
func (r *clipRun) skip(err error) error {
	if !r.keepGoing {
		return err
	}
	fmt.Fprintln(r.log, err)
	return nil
}

// texts returns the texts of the flags.
func (r *clipRun) texts() ([]string, error) {
	if r.textFile == "" {
		return r.prompts, nil
	}
	data, err := readTextFile(r.textFile)
	if err != nil {
		return nil, err
	}
	more, err := parseTexts(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.textFile, err)
	}
	return append(r.prompts, more...), nil
}

// parseTexts reads a JSON list, an object with one named texts, or a text a line.
func parseTexts(data []byte) (texts []string, err error) {
	switch start := strings.TrimSpace(string(data)); {
	case strings.HasPrefix(start, "["):
		if err := json.Unmarshal(data, &texts); err != nil {
			return nil, fmt.Errorf("want a JSON list of texts: %w", err)
		}
		return texts, nil
	case strings.HasPrefix(start, "{"):
		var object struct {
			Texts []string `json:"texts"`
		}
		if err := json.Unmarshal(data, &object); err != nil {
			return nil, fmt.Errorf("want a JSON object with a list texts: %w", err)
		}
		return object.Texts, nil
	}
	for line := range strings.Lines(string(data)) {
		texts = append(texts, strings.TrimRight(line, "\r\n"))
	}
	return texts, nil
}

func splitLabels(list string) (labels []string) {
	for label := range strings.SplitSeq(list, ",") {
		if label = strings.TrimSpace(label); label != "" {
			labels = append(labels, label)
		}
	}
	return labels
}

func printProbabilities(w io.Writer, m *clip.Model, v vectors) error {
	for i, path := range v.pictures {
		cosines := make([]float32, len(v.texts))
		for j := range cosines {
			cosines[j] = clip.Cosine(v.ofPictures[i], v.ofTexts[j])
		}
		fmt.Fprintln(w, filepath.ToSlash(path))
		for j, p := range m.Probabilities(cosines) {
			if _, err := fmt.Fprintf(w, "%8.2f %%  %s\n", 100*p, v.texts[j]); err != nil {
				return err
			}
		}
	}
	return nil
}
