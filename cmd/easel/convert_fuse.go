package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/safetensors/quantised"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// openFused opens what is there of a model that LoRAs change: all of it, or a UNet alone.
func openFused(in, config string) (*sdxl.Model, error) {
	opts := sdxl.OpenOptions{Config: config, AllowUnused: true, Parts: sdxl.UNetPart | sdxl.TextParts}
	m, err := sdxl.Open(in, opts)
	if err == nil {
		return m, nil
	}
	opts.Parts = sdxl.UNetPart
	if m, alone := sdxl.Open(in, opts); alone == nil {
		return m, nil
	}
	return nil, err
}

// fuse adds LoRAs to the model that is converted, and returns what to close after it.
func (c *conversion) fuse(in, config string, lora *adapterFlags) (done func() error, err error) {
	adapters, err := lora.adapters()
	if err != nil {
		return nil, err
	}
	if err := oneVariant(in); err != nil {
		return nil, err
	}
	m, err := openFused(in, config)
	if err != nil {
		return nil, err
	}
	done = func() error { return errors.Join(m.Close(), lora.library.Close()) }
	if c.fusion, err = m.Fuse(&lora.library, adapters); err != nil {
		return nil, errors.Join(err, done())
	}
	return done, nil
}

// oneVariant returns an error if a folder holds the weights of a part twice: LoRAs are computed for one of them.
func oneVariant(folder string) error {
	for part, base := range map[string]string{"unet": "diffusion_pytorch_model", "text_encoder": "model", "text_encoder_2": "model"} {
		if have, err := safetensors.Variants(filepath.Join(folder, part), base); err == nil && len(have) > 1 {
			return fmt.Errorf("%s: %s has weights of the variants %q, and a LoRA goes into one: want a folder with one of them", folder, part, have)
		}
	}
	return nil
}

// fused converts a file of a model with LoRAs: first it writes them into a copy in floating point beside the output, unless that is the output.
func (c conversion) fused(ctx context.Context, f *safetensors.File, part, out string) error {
	if s := quantised.Of(f); s != "" {
		return fmt.Errorf("%s is quantised (%s), and takes no LoRA: convert the original", f.Name(), s)
	}
	fusion := c.fusion
	c.fusion = nil
	if c.scheme == "" && !c.dtype.Blocked() && !isGGUF(out) {
		return fusion.Write(ctx, out, f, part, func(stored tensor.DType, _ bool) tensor.DType {
			if c.dtype != tensor.Invalid && (stored.IsFloat() || stored.Blocked()) {
				return c.dtype
			}
			return stored
		})
	}
	dir, err := os.MkdirTemp(filepath.Dir(out), ".fusing-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "fused.safetensors")
	err = fusion.Write(ctx, path, f, part, func(stored tensor.DType, changed bool) tensor.DType {
		switch {
		case c.dtype == tensor.Invalid && c.scheme == "":
			return stored
		case changed && (stored.IsFloat() || c.dtype.IsFloat()), stored.Blocked() && c.dtype.IsFloat():
			return tensor.F32
		}
		return stored
	})
	if err != nil {
		return err
	}
	return c.file(ctx, path, "", out)
}
