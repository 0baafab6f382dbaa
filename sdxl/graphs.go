package sdxl

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// GraphNames returns the names of the networks that RunGraph knows.
func GraphNames() []string {
	return []string{"clip-l", "clip-g", "unet", "vae-decoder", "vae-encoder"}
}

// GraphParts returns the part of a model that a network belongs to.
func GraphParts(name string) (Parts, error) {
	switch name {
	case "clip-l", "clip-g":
		return TextParts, nil
	case "unet":
		return UNetPart, nil
	case "vae-decoder", "vae-encoder":
		return VAEPart, nil
	}
	return 0, fmt.Errorf("no graph %q; there are %s", name, strings.Join(GraphNames(), ", "))
}

// RunGraph runs one network on tensors by the names of its inputs and returns
// its outputs, and the inner values named by taps, by theirs. Numbers of other
// types are converted; a timestep of one number serves the whole batch.
func (m *Model) RunGraph(ctx context.Context, b nn.Backend, name string, inputs map[string]*tensor.Tensor,
	taps []string) (map[string]*tensor.Tensor, error) {
	fail := func(err error) error { return fmt.Errorf("%s: %w", name, err) }
	parts, err := GraphParts(name)
	if err == nil {
		err = m.Require("this network", parts&^TokenizerParts)
	}
	if err != nil {
		return nil, fail(err)
	}
	g, part, err := m.graphFor(name, inputs)
	if err != nil {
		return nil, fail(err)
	}
	var src []*tensor.Tensor
	for _, in := range g.Inputs() {
		t, err := fit(in, inputs[in.Name])
		if err != nil {
			return nil, fail(err)
		}
		src = append(src, t)
	}
	dst, err := m.network(part, g).RunOnce(ctx, b, taps, src...)
	if err != nil {
		return nil, fail(err)
	}
	out := make(map[string]*tensor.Tensor, len(dst))
	for i, o := range g.Outputs() {
		out[o.Name] = dst[i]
	}
	for i, tap := range taps {
		out[tap] = dst[len(g.Outputs())+i]
	}
	return out, nil
}

// graphFor records a network for the shapes of its main inputs.
func (m *Model) graphFor(name string, inputs map[string]*tensor.Tensor) (g *nn.Graph, part string, err error) {
	shape := func(input string, rank int) (tensor.Shape, error) {
		t := inputs[input]
		if t == nil {
			return nil, fmt.Errorf("input %s is missing; given: %s", input, strings.Join(slices.Sorted(maps.Keys(inputs)), ", "))
		}
		if len(t.Shape()) != rank {
			return nil, fmt.Errorf("input %s has shape %v, want %d axes", input, t.Shape(), rank)
		}
		return t.Shape(), nil
	}
	switch name {
	case "clip-l", "clip-g":
		e, part := m.TextL, textLPart
		if name == "clip-g" {
			e, part = m.TextG, textGPart
		}
		s, err := shape("ids", 2)
		if err != nil {
			return nil, "", err
		}
		g, err = e.Graph(s[0], s[1], 0)
		return g, part, err
	case "unet":
		s, err := shape("sample", 4)
		if err != nil {
			return nil, "", err
		}
		text, err := shape("encoder_hidden_states", 3)
		if err != nil {
			return nil, "", err
		}
		g, err = m.UNet.Graph(unet.Shape{Batch: s[0], Height: s[2], Width: s[3], Tokens: text[1]})
		return g, unetPart, err
	case "vae-decoder":
		s, err := shape("latents", 4)
		if err != nil {
			return nil, "", err
		}
		g, err = m.VAE.DecoderGraph(s[0], s[2], s[3])
		return g, vaePart, err
	case "vae-encoder":
		s, err := shape("image", 4)
		if err != nil {
			return nil, "", err
		}
		if k := m.VAE.Config.Scale(); s[2]%k != 0 || s[3]%k != 0 {
			return nil, "", fmt.Errorf("input image is %dx%d, want multiples of %d", s[3], s[2], k)
		}
		g, err = m.VAE.EncoderGraph(s[0], s[2], s[3])
		return g, vaePart, err
	}
	_, err = GraphParts(name)
	return nil, "", err
}

// fit returns t as the graph's input takes it.
func fit(in nn.Named, t *tensor.Tensor) (*tensor.Tensor, error) {
	if t == nil {
		return nil, fmt.Errorf("input %s is missing", in.Name)
	}
	want := in.Value.Shape()
	fail := func(err error) error { return fmt.Errorf("input %s: %w", in.Name, err) }
	t, err := t.Convert(in.Value.DType())
	if err != nil {
		return nil, fail(err)
	}
	if len(want) == 1 && t.NumElements() == 1 {
		if t, err = t.Reshape(1); err == nil {
			t, err = t.Expand(want...)
		}
		if err != nil {
			return nil, fail(err)
		}
	}
	if !t.Shape().Equal(want) {
		return nil, fail(fmt.Errorf("shape %v, want %v", t.Shape(), want))
	}
	return t.Contiguous()
}
