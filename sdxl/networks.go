package sdxl

import (
	"context"

	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// networkKey is a network, by its name in GraphNames, and the shapes that it is
// compiled for. Those of a text encoder are h texts of w tokens.
type networkKey struct {
	graph       string
	batch, h, w int
	skip        int // of a text encoder, see Options.ClipSkip
	adapters    *adapt.Set
	vectors     bool // of a text encoder, with vectors added to the tokens
}

// record records the network.
func (k networkKey) record(m *Model) (part string, g *nn.Graph, err error) {
	switch k.graph {
	case "clip-l":
		g, err = k.text(m.TextL, textLPart).Graph(k.batch, k.w, k.skip)
		return textLPart, g, err
	case "clip-g":
		g, err = k.text(m.TextG, textGPart).Graph(k.batch, k.w, k.skip)
		return textGPart, g, err
	case "vae-encoder":
		g, err = m.VAE.EncoderGraph(k.batch, k.h, k.w)
		return vaePart, g, err
	}
	g, err = m.VAE.DecoderGraph(k.batch, k.h, k.w)
	return vaePart, g, err
}

// compile compiles the network beside what uses that many bytes of the memory.
func (p *Pipeline) compile(ctx context.Context, key networkKey, used int64) (*program.Program, error) {
	part, g, err := key.record(p.model)
	if err != nil {
		return nil, err
	}
	limit := nn.CompileOptions{Memory: networkMemory(p.memory, used), Spill: p.memory > 0}
	return p.model.network(part, g).Compile(ctx, p.base, limit)
}

// use calls f with the compiled network: one that was kept, or a new one.
func (p *Pipeline) use(ctx context.Context, key networkKey, used int64, f func(*program.Program) error) error {
	compile := func(ctx context.Context) (*program.Program, error) { return p.compile(ctx, key, used) }
	return p.networks.Use(ctx, key, compile, f)
}

// runNetwork runs the network on src and gives back its outputs.
func (p *Pipeline) runNetwork(ctx context.Context, key networkKey, src ...*tensor.Tensor) (dst []*tensor.Tensor, err error) {
	err = p.use(ctx, key, 0, func(n *program.Program) error {
		dst = n.NewOutputs()
		return n.Run(ctx, nn.Tensors(dst...), nn.Tensors(src...))
	})
	return dst, err
}
