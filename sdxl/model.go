// Package sdxl holds Stable Diffusion XL: its text encoders, UNet and VAE as
// graphs, the loading of checkpoints, and the pipeline from text to pictures.
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
	"strings"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/tokenizer"
	"github.com/df65613c/easel/tensor"
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
	Parts        Parts  // 0 is AllParts
	Config       string // a diffusers folder that gives a single file its configuration and tokenizers
	Variant      string // of a folder's files, such as "fp16"; "" takes the plain ones, or the only variant there is
	AllowMissing bool   // open although parameters are missing; running their network fails
	AllowUnused  bool   // open although tensors are unused
}

// Model is an opened checkpoint. Parts that were not asked for are nil. The
// weights stay in the mapped files, which must not change while it is open.
// A Model is safe for concurrent use.
type Model struct {
	Path                   string
	TokenizerL, TokenizerG *tokenizer.Tokenizer
	TextL, TextG           *TextEncoder
	UNet                   *UNet
	VAE                    *VAE
	Scheduler              sched.Config
	// ZeroNegative says that no negative prompt means zeros, not the encoded empty text.
	ZeroNegative bool

	files    []*safetensors.File
	accounts []Account
}

// Open opens a diffusers folder or an original single-file checkpoint.
func Open(path string, opts OpenOptions) (*Model, error) {
	m, err := open(path, opts)
	if err != nil {
		return nil, err
	}
	for i := range m.accounts {
		err = errors.Join(err, m.accounts[i].Err(opts.AllowMissing, opts.AllowUnused))
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Inspect opens a model only to compare its files with its networks, whatever
// they lack.
func Inspect(path string, opts OpenOptions) ([]Account, error) {
	m, err := open(path, opts)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	return m.accounts, nil
}

func open(path string, opts OpenOptions) (*Model, error) {
	if opts.Parts == 0 {
		opts.Parts = AllParts
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	m := &Model{Path: path}
	if info.IsDir() {
		err = m.openFolder(os.DirFS(path), opts)
	} else {
		err = m.openSingle(path, opts)
	}
	if err == nil {
		err = m.check()
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

// configs is what configures the networks, from a folder or inferred.
type configs struct {
	textL, textG TextConfig
	unet         UNetConfig
	vae          VAEConfig
}

// readFolder reads the configurations, tokenizers and scheduler of a diffusers folder.
func (m *Model) readFolder(fsys fs.FS, parts Parts) (c configs, err error) {
	var index struct {
		Class        string `json:"_class_name"`
		ZeroNegative *bool  `json:"force_zeros_for_empty_prompt"`
	}
	m.ZeroNegative = true
	if err := readJSON(fsys, "model_index.json", &index); err == nil {
		if index.ZeroNegative != nil {
			m.ZeroNegative = *index.ZeroNegative
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c = configs{defaultTextConfig(), defaultTextConfig(), defaultUNetConfig(), defaultVAEConfig()}
	var errs []error
	read := func(part Parts, name string, v any) {
		if parts&part != 0 {
			errs = append(errs, readJSON(fsys, name, v))
		}
	}
	read(encoderParts, "text_encoder/config.json", &c.textL)
	read(encoderParts, "text_encoder_2/config.json", &c.textG)
	read(UNetPart, "unet/config.json", &c.unet)
	read(VAEPart, "vae/config.json", &c.vae)
	if parts&TokenizerParts != 0 {
		errs = append(errs, m.readTokenizers(fsys))
	}
	m.Scheduler = sched.EmptyConfig()
	if err := readJSON(fsys, "scheduler/scheduler_config.json", &m.Scheduler); errors.Is(err, fs.ErrNotExist) {
		m.Scheduler = sched.DefaultConfig()
	} else {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

func (m *Model) readTokenizers(fsys fs.FS) error {
	load := func(dir string) (*tokenizer.Tokenizer, error) {
		sub, err := fs.Sub(fsys, dir)
		if err != nil {
			return nil, err
		}
		t, err := tokenizer.Load(sub)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		return t, nil
	}
	var errL, errG error
	m.TokenizerL, errL = load("tokenizer")
	m.TokenizerG, errG = load("tokenizer_2")
	return errors.Join(errL, errG)
}

// folders are the parts of a diffusers folder that hold a configuration.
var folders = []string{"text_encoder", "text_encoder_2", "unet", "vae"}

func (m *Model) openFolder(fsys fs.FS, opts OpenOptions) error {
	if !slices.ContainsFunc(folders, func(dir string) bool {
		_, err := fs.Stat(fsys, dir+"/config.json")
		return err == nil
	}) {
		return fmt.Errorf("model: %s is no diffusers folder: it has none of %s/config.json", m.Path, strings.Join(folders, ", "))
	}
	c, err := m.readFolder(fsys, opts.Parts)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	open := func(dir, base string) (*params, error) {
		f, err := safetensors.OpenModel(filepath.Join(m.Path, dir), base, opts.Variant)
		if err != nil {
			return nil, err
		}
		m.files = append(m.files, f)
		return newParams(dir, f, folderKeys, everyKey), nil
	}
	return m.build(c, opts.Parts, map[string]func() (*params, error){
		"text_encoder":   func() (*params, error) { return open("text_encoder", "model") },
		"text_encoder_2": func() (*params, error) { return open("text_encoder_2", "model") },
		"unet":           func() (*params, error) { return open("unet", "diffusion_pytorch_model") },
		"vae":            func() (*params, error) { return open("vae", "diffusion_pytorch_model") },
	})
}

func (m *Model) openSingle(path string, opts OpenOptions) error {
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	m.files = append(m.files, f)
	var c configs
	if opts.Config != "" {
		if c, err = m.readFolder(os.DirFS(opts.Config), opts.Parts); err != nil {
			return fmt.Errorf("%s: %w", opts.Config, err)
		}
	} else if c, err = m.inferSingle(f, opts.Parts); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	blocks, err := c.unet.blocks()
	if opts.Parts&UNetPart != 0 && err != nil {
		return fmt.Errorf("%s: unet: %w", path, err)
	}
	part := func(name, prefix string, find func(string) []stored) func() (*params, error) {
		return func() (*params, error) { return newParams(name, f, find, hasPrefix(prefix)), nil }
	}
	err = m.build(c, opts.Parts, map[string]func() (*params, error){
		"text_encoder":   part("text_encoder", textLPrefix, textLKeys),
		"text_encoder_2": part("text_encoder_2", textGPrefix, textGKeys(c.textG.HiddenSize)),
		"unet":           part("unet", unetPrefix, unetKeys(blocks)),
		"vae":            part("vae", vaePrefix, vaeKeys(len(c.vae.BlockOutChannels))),
	})
	if err != nil {
		return err
	}
	other := Account{Component: "other", File: f.Name()}
	for _, key := range f.Names() {
		if !ownedByPart(key) && !isBuffer(key) {
			other.Unused = append(other.Unused, key)
		}
	}
	m.accounts = append(m.accounts, other)
	return nil
}

func ownedByPart(key string) bool {
	for _, prefix := range []string{unetPrefix, vaePrefix, textLPrefix, textGPrefix} {
		if hasPrefix(prefix)(key) {
			return true
		}
	}
	return false
}

// build makes the networks that are asked for.
func (m *Model) build(c configs, parts Parts, open map[string]func() (*params, error)) error {
	fail := func(part string, err error) error { return fmt.Errorf("%s: %s: %w", m.Path, part, err) }
	if parts&encoderParts != 0 {
		for _, e := range []struct {
			part    string
			config  TextConfig
			encoder **TextEncoder
		}{{"text_encoder", c.textL, &m.TextL}, {"text_encoder_2", c.textG, &m.TextG}} {
			if err := e.config.validate(); err != nil {
				return fail(e.part, err)
			}
			p, err := open[e.part]()
			if err != nil {
				return err
			}
			*e.encoder = &TextEncoder{Config: e.config, params: p}
		}
	}
	if parts&UNetPart != 0 {
		blocks, err := c.unet.blocks()
		if err != nil {
			return fail("unet", err)
		}
		p, err := open["unet"]()
		if err != nil {
			return err
		}
		m.UNet = &UNet{Config: c.unet, blocks: blocks, params: p}
	}
	if parts&VAEPart != 0 {
		if err := c.vae.validate(); err != nil {
			return fail("vae", err)
		}
		p, err := open["vae"]()
		if err != nil {
			return err
		}
		m.VAE = &VAE{Config: c.vae, params: p}
	}
	return nil
}

// inferSingle reads the configuration off the tensors of a single file.
func (m *Model) inferSingle(f *safetensors.File, parts Parts) (c configs, err error) {
	s := shapes(func(key string) (tensor.Shape, bool) {
		info, ok := f.Info(key)
		return info.Shape, ok
	})
	var errs []error
	if parts&TokenizerParts != 0 {
		m.TokenizerL, m.TokenizerG = tokenizer.CLIPL(), tokenizer.CLIPG()
	}
	if parts&encoderParts != 0 {
		var errL, errG error
		c.textL, errL = inferTextL(s)
		c.textG, errG = inferTextG(s)
		errs = append(errs, errL, errG)
	}
	if parts&UNetPart != 0 {
		var err error
		c.unet, err = inferUNet(s)
		errs = append(errs, err)
	}
	if parts&VAEPart != 0 {
		var err error
		c.vae, err = inferVAE(s)
		errs = append(errs, err)
	}
	m.ZeroNegative = true
	m.Scheduler = sched.DefaultConfig()
	if s.has(vPredictionKey) {
		m.Scheduler.PredictionType = "v_prediction"
	}
	if s.has(zeroTerminalKey) {
		m.Scheduler.RescaleBetasZeroSNR = true
	}
	return c, errors.Join(errs...)
}

// check records every network once, so that each of its parameters is looked
// for, and compares the parts with each other.
func (m *Model) check() error {
	var used []*params
	var errs []error
	try := func(p *params, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", m.Path, p.component, err))
		}
	}
	record := func(e *TextEncoder) {
		_, err := e.Graph(1, 1)
		try(e.params, err)
		used = append(used, e.params)
	}
	if m.TextL != nil {
		record(m.TextL)
		record(m.TextG)
	}
	if m.UNet != nil {
		pooled := m.UNet.PooledDim()
		_, err := m.UNet.Graph(1, 1, 1, 1)
		try(m.UNet.params, err)
		used = append(used, m.UNet.params)
		if m.TextL != nil {
			if w := m.TextL.Config.HiddenSize + m.TextG.Config.HiddenSize; w != m.UNet.ContextDim() {
				try(m.UNet.params, fmt.Errorf("cross_attention_dim is %d, the text encoders give %d", m.UNet.ContextDim(), w))
			}
			if m.TextG.PooledDim() != pooled {
				try(m.UNet.params, fmt.Errorf("the pooled text is %d wide, the configuration leaves %d for it", m.TextG.PooledDim(), pooled))
			}
		}
	}
	if m.VAE != nil {
		_, err := m.VAE.DecoderGraph(1, 1, 1)
		try(m.VAE.params, err)
		_, err = m.VAE.EncoderGraph(1, m.VAE.Config.Scale(), m.VAE.Config.Scale())
		try(m.VAE.params, err)
		used = append(used, m.VAE.params)
	}
	for _, p := range used {
		m.accounts = append(m.accounts, p.account())
	}
	return errors.Join(errs...)
}
