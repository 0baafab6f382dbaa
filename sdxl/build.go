package sdxl

import (
	"errors"
	"fmt"
)

// configs is what configures the networks, from a folder or inferred.
type configs struct {
	textL, textG TextConfig
	unet         UNetConfig
	vae          VAEConfig
}

// build makes the networks that are asked for.
func (m *Model) build(c configs, parts Parts, open func(part string) (*params, error)) error {
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
			p, err := open(e.part)
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
		p, err := open("unet")
		if err != nil {
			return err
		}
		m.UNet = &UNet{Config: c.unet, blocks: blocks, params: p}
	}
	if parts&VAEPart != 0 {
		if err := c.vae.validate(); err != nil {
			return fail("vae", err)
		}
		p, err := open("vae")
		if err != nil {
			return err
		}
		m.VAE = &VAE{Config: c.vae, params: p}
	}
	return m.check()
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
		_, err := m.UNet.Graph(Shape{Batch: 1, Height: 1, Width: 1, Tokens: 1})
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
