package sdxl

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/sdxl/vae"
)

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
	c = configs{clip.DefaultTextConfig(), clip.DefaultTextConfig(), unet.DefaultConfig(), vae.DefaultConfig()}
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
var folders = []string{textLPart, textGPart, unetPart, vaePart}

func (m *Model) openFolder(fsys fs.FS, parts Parts, weights func(dir, base string) (*safetensors.File, error)) error {
	if !slices.ContainsFunc(folders, func(dir string) bool {
		_, err := fs.Stat(fsys, dir+"/config.json")
		return err == nil
	}) {
		return fmt.Errorf("model: %s is no diffusers folder: it has none of %s/config.json", m.Path, strings.Join(folders, ", "))
	}
	c, err := m.readFolder(fsys, parts)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	return m.build(c, parts, func(dir string) (*checkpoint.Weights, error) {
		base := "diffusion_pytorch_model"
		if strings.HasPrefix(dir, "text_encoder") {
			base = "model"
		}
		f, err := weights(dir, base)
		if err != nil {
			return nil, err
		}
		m.files = append(m.files, f)
		return checkpoint.New(dir, f, folderKeys, parameter), nil
	})
}
