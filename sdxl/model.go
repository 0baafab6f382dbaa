// Package sdxl opens checkpoints of Stable Diffusion XL, and makes pictures from
// texts with them. The networks are in clip, sdxl/unet and sdxl/vae.
//
// The numbers are those of the reference implementation, Hugging Face's
// diffusers, for the same model, prompt, seed and options.
package sdxl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/sdxl/vae"
)

// Parts selects what of a model to open.
type Parts uint8

// The parts of a model.
const (
	TokenizerParts Parts = 1 << iota // both tokenizers
	encoderParts
	UNetPart
	VAEPart
	TextParts = TokenizerParts | encoderParts // both text encoders and their tokenizers
	AllParts  = TextParts | UNetPart | VAEPart
)

// OpenOptions adjusts how a model is opened. The zero value opens all of it
// and insists that every tensor is accounted for.
type OpenOptions struct {
	Parts Parts // 0 is AllParts
	// The weights of a part from elsewhere: a file of the part alone or of a whole model, or the
	// part's folder or that of a whole model. With all of them the path of Open may be "".
	UNet, VAE, TextEncoder, TextEncoder2 string

	Config       string // a diffusers folder that gives a single file its configuration and tokenizers
	Variant      string // of a folder's files, such as "fp16"; a part without it takes the plain ones. "" is these, or the only variant there is
	AllowMissing bool   // open although parameters are missing; running their network fails
	AllowUnused  bool   // open although tensors are unused
}

// Model is an opened checkpoint. Parts that were not asked for are nil. The
// weights stay in the mapped files, which must not change while it is open.
// A Model is safe for concurrent use.
type Model struct {
	Path                   string
	TokenizerL, TokenizerG *tokenizer.Tokenizer
	TextL, TextG           *clip.TextEncoder
	UNet                   *unet.UNet
	VAE                    *vae.VAE
	Scheduler              sched.Config
	// ZeroNegative says that no negative prompt means zeros, not the encoded empty text.
	ZeroNegative bool

	files    []*safetensors.File
	weights  map[string]*checkpoint.Weights // by the folder of the part
	accounts []checkpoint.Account
}

// Open opens a diffusers folder or a single-file checkpoint: safetensors, GGUF or a file of torch.save, with the
// names of Stability's code, diffusers or stable-diffusion.cpp.
func Open(path string, opts OpenOptions) (*Model, error) {
	m := &Model{Path: path}
	return m.accounted(m.open(opts), opts)
}

// OpenFS opens a diffusers folder of a file system, such as an embedded one,
// whose weights are in plain single files. The name is for errors.
func OpenFS(fsys fs.FS, name string, opts OpenOptions) (*Model, error) {
	m := &Model{Path: name}
	c, open, err := m.openFolder(fsys, opts, func(dir, base string) (*safetensors.File, error) {
		return safetensors.OpenFS(fsys, dir+"/"+base+".safetensors")
	})
	if err == nil {
		err = m.assemble(c, open, opts)
	}
	return m.accounted(err, opts)
}

// Inspect compares the files of a model with its networks. Tensors that are
// missing or unused are no error.
func Inspect(path string, opts OpenOptions) ([]checkpoint.Account, error) {
	m := &Model{Path: path}
	defer m.Close()
	err := m.open(opts)
	return m.accounts, err
}

func (o OpenOptions) parts() Parts {
	if o.Parts == 0 {
		return AllParts
	}
	return o.Parts
}

// needed returns the networks that are asked for.
func (o OpenOptions) needed() (parts []string) {
	for _, part := range folders {
		need := map[string]Parts{unetPart: UNetPart, vaePart: VAEPart}[part]
		if need == 0 {
			need = encoderParts
		}
		if o.parts()&need != 0 {
			parts = append(parts, part)
		}
	}
	return parts
}

// replaced returns where the weights of a part come from, if not from the model.
func (o OpenOptions) replaced(part string) string {
	return map[string]string{unetPart: o.UNet, vaePart: o.VAE, textLPart: o.TextEncoder, textGPart: o.TextEncoder2}[part]
}

// own returns the networks that the model itself must have.
func (o OpenOptions) own() []string {
	return slices.DeleteFunc(o.needed(), func(part string) bool { return o.replaced(part) != "" })
}

// opener opens the weights of a part, which is configured by then.
type opener func(part string, c configs) (*checkpoint.Weights, error)

func (m *Model) open(opts OpenOptions) error {
	c, open, err := m.openBase(opts)
	if err != nil {
		return err
	}
	return m.assemble(c, open, opts)
}

func (m *Model) openBase(opts OpenOptions) (c configs, open opener, err error) {
	if m.Path == "" {
		return m.openParts(opts)
	}
	info, err := os.Stat(m.Path)
	if err != nil {
		return c, nil, fmt.Errorf("model: %w", err)
	}
	alone := opts.UNet+opts.VAE+opts.TextEncoder+opts.TextEncoder2 == ""
	if !info.IsDir() {
		if alone && opts.Variant != "" {
			return c, nil, fmt.Errorf("%s: this is one file, and variant %q is for folders", m.Path, opts.Variant)
		}
		return m.openSingle(opts)
	}
	if alone && opts.Config != "" {
		return c, nil, fmt.Errorf("%s: this folder has its own configuration; %s is for a single file", m.Path, opts.Config)
	}
	variants, err := variantsOf(m.Path, opts.Variant)
	if err != nil {
		return c, nil, err
	}
	return m.openFolder(os.DirFS(m.Path), opts, func(dir, _ string) (*safetensors.File, error) {
		return openWeights(filepath.Join(m.Path, dir), dir, variants[dir])
	})
}

// accounted returns the model, or closes it if it failed to open or if tensors
// are missing or unused that may not be.
func (m *Model) accounted(err error, opts OpenOptions) (*Model, error) {
	if err == nil {
		for i := range m.accounts {
			err = errors.Join(err, m.accounts[i].Err(opts.AllowMissing, opts.AllowUnused))
		}
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close unmaps the files. Nothing of the model may be in use.
func (m *Model) Close() error {
	var errs []error
	for _, f := range m.files {
		errs = append(errs, f.Close())
	}
	m.files = nil
	return errors.Join(errs...)
}
