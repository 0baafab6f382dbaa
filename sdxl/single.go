package sdxl

import (
	"errors"
	"fmt"
	"os"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// openSingle opens an original single-file checkpoint.
func (m *Model) openSingle(opts OpenOptions) error {
	path, parts := m.Path, opts.parts()
	f, err := safetensors.Open(path)
	if err != nil {
		return err
	}
	m.files = append(m.files, f)
	var c configs
	if opts.Config != "" {
		if c, err = m.readFolder(os.DirFS(opts.Config), parts); err != nil {
			return fmt.Errorf("%s: %w", opts.Config, err)
		}
	} else if c, err = m.inferSingle(f, parts); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	blocks, err := c.unet.Blocks()
	if parts&UNetPart != 0 && err != nil {
		return fmt.Errorf("%s: unet: %w", path, err)
	}
	finders := Architecture{c.textL, c.textG, c.unet, c.vae}.finders(blocks)
	err = m.build(c, parts, func(part string) (*checkpoint.Weights, error) {
		return checkpoint.New(part, f, finders[part].find, parameterOf(finders[part].prefix)), nil
	})
	if err != nil {
		return err
	}
	other := checkpoint.Account{Component: "other", File: f.Name()}
	for _, key := range f.Names() {
		if !ownedByPart(key) && parameter(key) {
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
	errs = append(errs, m.readMarkers(f, &c.vae))
	return c, errors.Join(errs...)
}
