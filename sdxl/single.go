package sdxl

import (
	"errors"
	"fmt"
	"os"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// openSingle opens a single file that holds a model, or a UNet alone.
func (m *Model) openSingle(opts OpenOptions) (c configs, open opener, err error) {
	path := m.Path
	f, err := checkpoint.Open(path)
	if err != nil {
		return c, nil, err
	}
	m.files = append(m.files, f)
	found := forms(shapesOf(f))
	if opts.Config != "" {
		if c, err = m.readFolder(os.DirFS(opts.Config), opts); err != nil {
			return c, nil, fmt.Errorf("%s: %w", opts.Config, err)
		}
	} else if c, err = m.inferSingle(f, found, opts); err != nil {
		return c, nil, fmt.Errorf("%s: %w", path, err)
	}
	other := checkpoint.Account{Component: "other", File: f.Name()}
	for _, key := range f.Names() {
		if ownerOf(found, key) == "" && parameter(key) {
			other.Unused = append(other.Unused, key)
		}
	}
	m.accounts = append(m.accounts, other)
	return c, func(part string, c configs) (*checkpoint.Weights, error) {
		owned := func(key string) bool { return ownerOf(found, key) == part && parameter(key) }
		return found[part].weights(part, c, f, owned)
	}, nil
}

// weights returns the weights of a part of a file.
func (f form) weights(part string, c configs, file checkpoint.Source, owned func(key string) bool) (*checkpoint.Weights, error) {
	var blocks []unet.Block
	if part == unetPart {
		var err error
		if blocks, err = c.unet.Blocks(); err != nil {
			return nil, fmt.Errorf("%s: unet: %w", file.Name(), err)
		}
	}
	return checkpoint.New(part, file, f.finder(part, c, blocks), owned), nil
}

func shapesOf(f checkpoint.Source) shapes {
	return func(key string) (tensor.Shape, bool) {
		info, ok := f.Info(key)
		return info.Shape, ok
	}
}

// inferSingle reads the configuration off the tensors of a single file.
func (m *Model) inferSingle(f checkpoint.Source, found map[string]form, opts OpenOptions) (c configs, err error) {
	var errs []error
	if opts.parts()&TokenizerParts != 0 {
		m.TokenizerL, m.TokenizerG = tokenizer.CLIPL(), tokenizer.CLIPG()
	}
	for _, part := range opts.own() {
		form, ok := found[part]
		if !ok {
			errs = append(errs, fmt.Errorf("no %s: there is no tensor %s, nor one by another program's name; give a file that has it with %s", partNames[part].text,
				homes[part][0].prefixes[0]+homes[part][0].telltale, partNames[part].option))
			continue
		}
		errs = append(errs, c.infer(part, form.of(shapesOf(f), part), form.naming))
	}
	m.ZeroNegative, m.Scheduler = true, sched.DefaultConfig()
	errs = append(errs, m.readMarkers(f, &c.vae))
	return c, errors.Join(errs...)
}

// infer reads the configuration of a part off its tensors.
func (c *configs) infer(part string, s shapes, n naming) (err error) {
	switch part {
	case textLPart:
		c.textL, err = inferTextL(s)
	case textGPart:
		c.textG, err = inferTextG(s, n)
	case unetPart:
		c.unet, err = inferUNet(s)
	case vaePart:
		c.vae, err = inferVAE(s)
	}
	return err
}

// partNames are what the parts are called, and the options that give them a file of their own.
var partNames = map[string]struct{ text, option string }{
	textLPart: {"first text encoder", "TextEncoder (--text-encoder of the command)"},
	textGPart: {"second text encoder", "TextEncoder2 (--text-encoder-2 of the command)"},
	unetPart:  {"UNet", "UNet (--unet of the command)"},
	vaePart:   {"VAE", "VAE (--vae of the command)"},
}
