package clip

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/safetensors"
)

const openCLIPConfigFile = "open_clip_config.json"

// openCLIPFiles are the names of the weights in OpenCLIP's folders.
var openCLIPFiles = []string{"open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "model.safetensors"}

// openCLIPConfig is what is used of an open_clip_config.json; the shapes of the
// tensors say the rest.
type openCLIPConfig struct {
	Model struct {
		QuickGELU bool `json:"quick_gelu"`
		Vision    struct {
			HeadWidth int    `json:"head_width"`
			Timm      string `json:"timm_model_name"`
			Pool      string `json:"pool_type"`
		} `json:"vision_cfg"`
		Text struct {
			Heads int    `json:"heads"`
			HF    string `json:"hf_model_name"`
		} `json:"text_cfg"`
	} `json:"model_cfg"`
	Preprocess struct {
		Mean          []float64 `json:"mean"`
		Std           []float64 `json:"std"`
		Interpolation string    `json:"interpolation"`
		ResizeMode    string    `json:"resize_mode"`
	} `json:"preprocess_cfg"`
}

// check returns an error for towers of another kind.
func (c *openCLIPConfig) check() error {
	v, t := &c.Model.Vision, &c.Model.Text
	switch {
	case v.Timm != "":
		return fmt.Errorf("%s: the image tower is timm's %s; easel has OpenCLIP's own, and SigLIP from folders of Hugging Face's form", openCLIPConfigFile, v.Timm)
	case t.HF != "":
		return fmt.Errorf("%s: the text tower is Hugging Face's %s; easel has OpenCLIP's own", openCLIPConfigFile, t.HF)
	case v.Pool != "" && v.Pool != "tok":
		return fmt.Errorf("%s: pool_type is %q, want tok", openCLIPConfigFile, v.Pool)
	}
	return nil
}

// openOpenCLIPFolder opens a folder with an open_clip_config.json.
func (m *Model) openOpenCLIPFolder(fsys fs.FS, o Options) error {
	var c openCLIPConfig
	switch err := readJSON(fsys, openCLIPConfigFile, &c); {
	case errors.Is(err, fs.ErrNotExist):
		return m.fail(errNoConfig)
	case err != nil:
		return m.fail(err)
	}
	if err := c.check(); err != nil {
		return m.fail(err)
	}
	for _, name := range openCLIPFiles {
		if _, err := fs.Stat(fsys, name); err == nil {
			return m.openOpenCLIP(filepath.Join(m.Path, name), &c, o)
		}
	}
	return m.fail(fmt.Errorf("no weights: none of %q", openCLIPFiles))
}

// openOpenCLIP opens a file of OpenCLIP; without a configuration it is read off
// the shapes.
func (m *Model) openOpenCLIP(path string, c *openCLIPConfig, o Options) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	m.files = append(m.files, f)
	tc, vc, err := openCLIPTowers(f, c, o.Activation)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := m.readScale(f); err != nil {
		return err
	}
	vision := func(key string) bool { return parameter(key) && len(key) > 7 && key[:7] == "visual." }
	if tc != nil {
		w := checkpoint.New(textModel, f, OpenCLIPText("", tc.HiddenSize),
			func(key string) bool { return parameter(key) && !vision(key) })
		if err := m.addText(*tc, w, o, func() (texts, error) { return loadTexts(noFiles{}, false) }); err != nil {
			return err
		}
	}
	if vc == nil {
		return nil
	}
	p := clipPreprocessing(vc.ImageSize)
	if c != nil {
		if err := c.preprocessing(&p, vc.ImageSize); err != nil {
			return m.fail(err)
		}
	}
	if err := p.resolve(vc.ImageSize); err != nil {
		return m.fail(err)
	}
	return m.addImage(*vc, checkpoint.New(visionModel, f, openCLIPImage("", vc.HiddenSize), vision), o, &p)
}

// preprocessing takes over what preprocess_cfg says.
func (c *openCLIPConfig) preprocessing(p *preprocessing, size int) error {
	if c.Preprocess.Mean != nil {
		p.Mean = c.Preprocess.Mean
	}
	if c.Preprocess.Std != nil {
		p.Std = c.Preprocess.Std
	}
	switch c.Preprocess.ResizeMode {
	case "", "shortest":
	case "squash":
		p.Size = edges{Height: size, Width: size}
	default:
		return fmt.Errorf("%s: resize_mode is %q, want shortest or squash", openCLIPConfigFile, c.Preprocess.ResizeMode)
	}
	numbers := map[string]int{"": 3, "bicubic": 3, "bilinear": 2}
	n, ok := numbers[c.Preprocess.Interpolation]
	if !ok {
		return fmt.Errorf("%s: interpolation is %q, want bicubic or bilinear", openCLIPConfigFile, c.Preprocess.Interpolation)
	}
	p.Resample = &n
	p.roundCrop = true
	return nil
}

// noFiles is a folder without files.
type noFiles struct{}

func (noFiles) Open(name string) (fs.File, error) {
	return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
}

// openCLIPTowers returns the configurations of the towers that a file holds, nil
// for one that it lacks.
func openCLIPTowers(f checkpoint.Source, c *openCLIPConfig, act string) (*TextConfig, *VisionConfig, error) {
	dim := func(key string, axis int) int {
		info, ok := f.Info(key)
		if !ok || axis >= len(info.Shape) {
			return 0
		}
		return info.Shape[axis]
	}
	count := func(prefix string) (n int) {
		for ; ; n++ {
			if _, ok := f.Info(fmt.Sprintf("%s%d.ln_1.weight", prefix, n)); !ok {
				return n
			}
		}
	}
	var tc *TextConfig
	var vc *VisionConfig
	if width := dim("token_embedding.weight", 1); width > 0 {
		t := DefaultTextConfig()
		t.VocabSize, t.HiddenSize, t.MaxPositions = dim("token_embedding.weight", 0), width, dim("positional_embedding", 0)
		t.Layers, t.Heads = count("transformer.resblocks."), width/64
		t.Intermediate = dim("transformer.resblocks.0.mlp.c_fc.weight", 0)
		t.ProjectionDim, t.Architectures = dim("text_projection", 1), []string{projected}
		t.EOSTokenID = int32(t.VocabSize - 1)
		tc = &t
	}
	if width := dim("visual.conv1.weight", 0); width > 0 {
		v := DefaultVisionConfig()
		v.HiddenSize, v.PatchSize, v.Layers = width, dim("visual.conv1.weight", 3), count("visual.transformer.resblocks.")
		v.Intermediate, v.ProjectionDim = dim("visual.transformer.resblocks.0.mlp.c_fc.weight", 0), dim("visual.proj", 1)
		v.ImageSize = v.PatchSize * root(dim("visual.positional_embedding", 0)-1)
		v.Heads = width / visionHead(width)
		vc = &v
	}
	if tc == nil && vc == nil {
		return nil, nil, fmt.Errorf("%w: there is neither token_embedding.weight nor visual.conv1.weight", ErrNotCLIP)
	}
	known := act
	switch {
	case known != "":
	case c != nil && c.Model.QuickGELU:
		known = "quick_gelu"
	case c != nil, vc != nil && vc.HiddenSize > 1024, tc != nil && tc.HiddenSize > 768:
		known = "gelu" // the large ones are of LAION
	default:
		return nil, nil, errors.New("the file does not say its activation: give quick_gelu for OpenAI's weights, or gelu")
	}
	if tc != nil {
		tc.HiddenAct = known
		if c != nil && c.Model.Text.Heads > 0 {
			tc.Heads = c.Model.Text.Heads
		}
	}
	if vc != nil {
		vc.HiddenAct = known
		if c != nil {
			if c.Model.Vision.HeadWidth > 0 {
				vc.Heads = vc.HiddenSize / c.Model.Vision.HeadWidth
			} else {
				vc.Heads = vc.HiddenSize / 64
			}
		}
	}
	return tc, vc, nil
}

// visionHead returns how wide a head is in OpenCLIP's image towers.
func visionHead(width int) int {
	switch width {
	case 1280: // H/14
		return 80
	case 1408: // g/14
		return 88
	case 1664: // bigG/14
		return 104
	}
	return 64
}

// root returns the number whose square is n, or 0.
func root(n int) int {
	for i := 1; i*i <= n; i++ {
		if i*i == n {
			return i
		}
	}
	return 0
}
