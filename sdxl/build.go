package sdxl

import (
	"errors"
	"fmt"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/sdxl/vae"
)

// configs is what configures the networks, from a folder or inferred.
type configs struct {
	textL, textG clip.TextConfig
	unet         unet.Config
	vae          vae.Config
	read         []string // the parts whose configuration was read, not inferred
}

// The parts of a model, by their folders.
const (
	textLPart = "text_encoder"
	textGPart = "text_encoder_2"
	unetPart  = "unet"
	vaePart   = "vae"
)

// network ties a graph to the file that the weights of its part are in.
func (m *Model) network(part string, g *nn.Graph) program.Network {
	return program.Network{Graph: g, File: m.weights[part].File()}
}

func defaultConfigs() configs {
	return configs{textL: clip.DefaultTextConfig(), textG: clip.DefaultTextConfig(), unet: unet.DefaultConfig(),
		vae: vae.DefaultConfig()}
}

// of returns the configuration of a part, to be read.
func (c *configs) of(part string) any {
	switch part {
	case textLPart:
		return &c.textL
	case textGPart:
		return &c.textG
	case unetPart:
		return &c.unet
	}
	return &c.vae
}

// build makes the networks of the parts.
func (m *Model) build(c configs, parts []string, open opener) error {
	m.weights = make(map[string]*checkpoint.Weights)
	for _, part := range parts {
		w, err := open(part, c)
		if err != nil {
			return err
		}
		if err := m.add(part, c, w); err != nil {
			return fmt.Errorf("%s: %s: %w", m.Path, part, err)
		}
	}
	return m.check()
}

// add makes the network of a part.
func (m *Model) add(part string, c configs, w *checkpoint.Weights) (err error) {
	m.weights[part] = w
	switch part {
	case textLPart:
		m.TextL, err = clip.NewTextEncoder(c.textL, w)
	case textGPart:
		m.TextG, err = clip.NewTextEncoder(c.textG, w)
	case unetPart:
		m.UNet, err = unet.New(c.unet, w)
	case vaePart:
		m.VAE, err = vae.New(c.vae, w)
	}
	return err
}

// graph is a way to record a network for the least shapes, so that all of its
// parameters are looked for.
type graph struct {
	part   string
	record func() (*nn.Graph, error)
}

func (m *Model) graphs() (all []graph) {
	if m.TextL != nil {
		all = append(all, graph{textLPart, func() (*nn.Graph, error) { return m.TextL.Graph(1, 1, 0) }})
	}
	if m.TextG != nil {
		all = append(all, graph{textGPart, func() (*nn.Graph, error) { return m.TextG.Graph(1, 1, 0) }})
	}
	if m.UNet != nil {
		all = append(all, graph{unetPart,
			func() (*nn.Graph, error) { return m.UNet.Graph(unet.Shape{Batch: 1, Height: 1, Width: 1, Tokens: 1}) }})
	}
	if m.VAE != nil {
		scale := m.VAE.Config.Scale()
		all = append(all, graph{vaePart, func() (*nn.Graph, error) { return m.VAE.DecoderGraph(1, 1, 1) }},
			graph{vaePart, func() (*nn.Graph, error) { return m.VAE.EncoderGraph(1, scale, scale) }})
	}
	return all
}

// check records every network once, so that each of its parameters is looked
// for, and compares the parts with each other.
func (m *Model) check() error {
	var errs []error
	try := func(part string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %s: %w", m.Path, part, err))
		}
	}
	for _, g := range m.graphs() {
		_, err := g.record()
		try(g.part, err)
	}
	if m.UNet != nil && m.TextL != nil {
		if w := m.TextL.Config.HiddenSize + m.TextG.Config.HiddenSize; w != m.UNet.ContextDim() {
			try(unetPart, fmt.Errorf("cross_attention_dim is %d, the text encoders give %d", m.UNet.ContextDim(), w))
		}
		if pooled := m.UNet.PooledDim(); m.TextG.PooledDim() != pooled {
			try(unetPart, fmt.Errorf("the pooled text is %d wide, the configuration leaves %d for it", m.TextG.PooledDim(), pooled))
		}
	}
	if m.UNet != nil && m.VAE != nil {
		try(unetPart, m.checkChannels())
	}
	for _, part := range folders {
		if w := m.weights[part]; w != nil {
			m.accounts = append(m.accounts, w.Account())
		}
	}
	return errors.Join(errs...)
}

// checkChannels compares what the UNet takes and gives with the latents that
// it will be fed.
func (m *Model) checkChannels() error {
	c, latents := &m.UNet.Config, m.VAE.Config.LatentChannels
	if c.OutChannels != latents {
		return fmt.Errorf("out_channels is %d, the VAE's latents have %d", c.OutChannels, latents)
	}
	switch c.InChannels {
	case latents:
		return nil
	case 2*latents + 1:
		return fmt.Errorf("in_channels is %d, the VAE's latents have %d: this is an inpainting UNet, which also takes a mask and the masked picture; easel has no inpainting", c.InChannels, latents)
	case 2 * latents:
		return fmt.Errorf("in_channels is %d, the VAE's latents have %d: this UNet edits pictures and also takes the picture's latents; easel does not feed them", c.InChannels, latents)
	}
	return fmt.Errorf("in_channels is %d, the VAE's latents have %d", c.InChannels, latents)
}
