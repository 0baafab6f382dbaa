package clip

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Open opens a model: a folder as Hugging Face publishes it, of a CLIPModel, a
// SiglipModel or one of their towers; or OpenCLIP's, a folder with
// open_clip_config.json or a safetensors file.
func Open(path string, o Options) (*Model, error) {
	return openWith(path, o, func(m *Model, o Options) error { return m.open(o) })
}

// OpenFS opens a model of a Hugging Face folder in fsys, whose weights are in
// model.safetensors; name stands for the folder in errors.
func OpenFS(fsys fs.FS, name string, o Options) (*Model, error) {
	return openWith(name, o, func(m *Model, o Options) error {
		return m.openFolder(fsys, o, func() (*safetensors.File, error) { return safetensors.OpenFS(fsys, "model.safetensors") })
	})
}

func openWith(path string, o Options, open func(m *Model, o Options) error) (*Model, error) {
	m := &Model{Path: path, Scale: 100}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	m.setBackend(o)
	err := open(m, o)
	if err == nil {
		err = m.account(o)
	}
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

func (m *Model) open(o Options) error {
	info, err := os.Stat(m.Path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return m.openOpenCLIP(m.Path, nil, o)
	}
	fsys := os.DirFS(m.Path)
	err = m.openFolder(fsys, o, func() (*safetensors.File, error) { return safetensors.OpenModel(m.Path, "model", "") })
	if errors.Is(err, errNoConfig) {
		return m.openOpenCLIPFolder(fsys, o)
	}
	return err
}

const configFile = "config.json"

// ErrNotCLIP says that a folder or a file holds no model of this package.
var ErrNotCLIP = errors.New("no model of CLIP or SigLIP")

var errNoConfig = fmt.Errorf("%w: there is neither config.json nor open_clip_config.json", ErrNotCLIP)

// modelConfig is the config.json of both towers, or of one.
type modelConfig struct {
	ModelType     string `json:"model_type"`
	ProjectionDim *int   `json:"projection_dim"`
	Text          *raw   `json:"text_config"`
	Vision        *raw   `json:"vision_config"`
}

// kind is what a model_type means.
type kind struct{ text, vision, siglip bool }

var kinds = map[string]kind{
	"clip": {true, true, false}, "clip_text_model": {text: true}, clipVision: {vision: true},
	"siglip": {true, true, true}, "siglip_text_model": {text: true, siglip: true}, siglipVision: {vision: true, siglip: true},
}

// openFolder opens a Hugging Face folder, and its weights by a function.
func (m *Model) openFolder(fsys fs.FS, o Options, weights func() (*safetensors.File, error)) error {
	k, tc, vc, err := m.readConfigs(fsys)
	if err != nil {
		return err
	}
	m.Sigmoid = k.siglip
	text, vision := k.text, k.vision
	both := text && vision
	f, err := weights()
	if err != nil {
		return err
	}
	m.files = append(m.files, f)
	if both {
		if err := m.readScale(f); err != nil {
			return err
		}
	}
	if text {
		w := checkpoint.New(textModel, f, folderPlaces(0), ownedIf(both, ofText))
		if err := m.addText(tc, w, o, func() (texts, error) { return loadTexts(fsys, m.Sigmoid) }); err != nil {
			return err
		}
	}
	if vision {
		if err := vc.validate(); err != nil {
			return m.fail(fmt.Errorf("vision_config: %w", err))
		}
		p, err := readPreprocessing(fsys, &vc)
		if err != nil {
			return m.fail(err)
		}
		w := checkpoint.New(visionModel, f, folderPlaces(vc.HiddenSize), ownedIf(both, ofVision))
		return m.addImage(vc, w, o, p)
	}
	return nil
}

// readConfigs reads the configurations of a folder's towers, and which of them there are.
func (m *Model) readConfigs(fsys fs.FS) (k kind, tc TextConfig, vc VisionConfig, err error) {
	var c modelConfig
	switch err := readJSON(fsys, configFile, &c); {
	case errors.Is(err, fs.ErrNotExist):
		return k, tc, vc, fmt.Errorf("%s: %w", m.Path, errNoConfig)
	case err != nil:
		return k, tc, vc, m.fail(err)
	}
	k, ok := kinds[c.ModelType]
	switch {
	case ok:
	case c.ModelType == "siglip2":
		return k, tc, vc, m.fail(fmt.Errorf("%s: model_type is siglip2, pictures of any shape (NaFlex); easel has those of one size, whose model_type is siglip", configFile))
	default:
		if _, err := fs.Stat(fsys, openCLIPConfigFile); err == nil {
			return k, tc, vc, errNoConfig
		}
		return k, tc, vc, m.fail(fmt.Errorf("%w: %s: model_type is %q, want clip, siglip or one of their towers", ErrNotCLIP,
			configFile, c.ModelType))
	}
	tc, vc = DefaultTextConfig(), DefaultVisionConfig()
	if k.siglip {
		tc, vc = defaultSiglipTextConfig(), defaultSiglipVisionConfig()
	}
	both := k.text && k.vision
	if k.text {
		if err := c.Text.into(&tc, fsys, both); err != nil {
			return k, tc, vc, m.fail(err)
		}
	}
	if k.vision {
		if err := c.Vision.into(&vc, fsys, both); err != nil {
			return k, tc, vc, m.fail(err)
		}
		vc.ModelType = clipVision
		if k.siglip {
			vc.ModelType = siglipVision
		}
	}
	if both && !k.siglip {
		dim := 512
		if c.ProjectionDim != nil {
			dim = *c.ProjectionDim
		}
		tc.ProjectionDim, vc.ProjectionDim = dim, dim
		tc.Architectures = []string{projected}
	}
	return k, tc, vc, nil
}

// ownedIf returns a rule for one of two towers in a file, or for one alone.
func ownedIf(both bool, rule func(string) bool) func(string) bool {
	if both {
		return rule
	}
	return parameter
}

// NewText returns a model of a text tower that is open already, such as the second
// of Stable Diffusion XL. Its Close leaves the tower open.
func NewText(path string, e *TextEncoder, file string, t *tokenizer.Tokenizer, o Options) *Model {
	m := &Model{Path: path, Scale: 100}
	if o.Memory == 0 {
		o.Memory = defaultMemory
	}
	m.setBackend(o)
	m.text = m.newText(e.embeddings, e.PooledDim(), e.Config.MaxPositions, e.Config.VocabSize, file,
		func() (texts, error) { return clipTexts{t}, nil }, o.Memory)
	return m
}

// addText adds a text tower with the parameters w.
func (m *Model) addText(c TextConfig, w *checkpoint.Weights, o Options, load func() (texts, error)) error {
	record := newTextRecorder
	if m.Sigmoid {
		record = newSiglipTextRecorder
	}
	embeddings, err := record(c, w)
	if err != nil {
		return m.fail(fmt.Errorf("text_config: %w", err))
	}
	g, err := embeddings(1, c.MaxPositions)
	if err != nil {
		return m.fail(err)
	}
	m.accounts = append(m.accounts, w.Account())
	m.text = m.newText(embeddings, g.Outputs()[0].Value.Dim(-1), c.MaxPositions, c.VocabSize, w.File(), load, o.Memory)
	return nil
}

// recorder records a text tower for batches of texts: input ids [B,tokens],
// output embedding [B,P].
type recorder func(batch, tokens int) (*nn.Graph, error)

func newTextRecorder(c TextConfig, w layers.Weights) (recorder, error) {
	e, err := NewTextEncoder(c, w)
	if err != nil {
		return nil, err
	}
	return e.embeddings, nil
}

func newSiglipTextRecorder(c TextConfig, w layers.Weights) (recorder, error) {
	e, err := newSiglipText(c, w)
	if err != nil {
		return nil, err
	}
	return e.embeddings, nil
}

// addImage adds an image tower with the parameters w.
func (m *Model) addImage(c VisionConfig, w *checkpoint.Weights, o Options, p *preprocessing) error {
	e, err := NewVisionEncoder(c, w)
	if err != nil {
		return m.fail(fmt.Errorf("vision_config: %w", err))
	}
	if _, err := e.Graph(1); err != nil {
		return m.fail(err)
	}
	m.accounts = append(m.accounts, w.Account())
	m.image = m.newImage(e, p, w.File(), o.Memory)
	return nil
}

// account returns an error if files and towers do not match.
func (m *Model) account(o Options) error {
	var errs []error
	for _, a := range m.accounts {
		errs = append(errs, a.Err(false, o.AllowUnused))
	}
	if m.text != nil && m.image != nil && m.text.dim != m.image.dim {
		errs = append(errs, m.fail(fmt.Errorf("texts become vectors of %d numbers, pictures of %d", m.text.dim, m.image.dim)))
	}
	return errors.Join(errs...)
}

// readScale reads how cosines become logits.
func (m *Model) readScale(f checkpoint.Source) error {
	for key, use := range map[string]func(float32){
		"logit_scale": func(v float32) { m.Scale = float32(math.Exp(float64(v))) },
		"logit_bias":  func(v float32) { m.Bias = v },
	} {
		if _, ok := f.Info(key); !ok {
			continue
		}
		t, err := f.Tensor(key)
		if err == nil {
			t, err = t.Convert(tensor.F32)
		}
		if err == nil && t.NumElements() != 1 {
			err = fmt.Errorf("%s: tensor %s has shape %v, want one number", f.Name(), key, t.Shape())
		}
		if err != nil {
			return err
		}
		use(t.Float32s()[0])
	}
	return nil
}

func (m *Model) fail(err error) error { return fmt.Errorf("%s: %w", m.Path, err) }
