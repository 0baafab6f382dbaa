package sdxl

import (
	"context"

	"github.com/df65613c/easel/nn"
)

// Stage is a network of a request, and what it takes.
type Stage struct {
	Name  string
	Graph *nn.Graph
	Runs  int // of the graph
	Batch int // rows of a run
	// Footprint is the memory while the network runs; Kept is what it computed
	// ahead for all its runs, in bytes.
	Footprint nn.Footprint
	Kept      int64
}

// Plan says what Generate would take for the options, without running anything.
func (p *Pipeline) Plan(ctx context.Context, o Options) ([]Stage, error) {
	m := p.Model
	r, err := o.resolve(m)
	if err != nil {
		return nil, err
	}
	s := r.script(m, r.steps)
	sides := s.sides()
	chunks, err := s.chunks(m)
	if err != nil {
		return nil, err
	}
	scale := m.VAE.Config.Scale()
	h, w := r.Height/scale, r.Width/scale
	var stages []Stage
	add := func(name string, params *params, runs, batch int, g *nn.Graph, err error) error {
		if err != nil {
			return err
		}
		exe, err := params.own(g).compile(ctx, p.backend(), nn.CompileOptions{})
		if err != nil {
			return err
		}
		stages = append(stages, Stage{Name: name, Graph: g, Runs: runs, Batch: batch, Footprint: exe.Footprint()})
		return exe.Close()
	}
	for _, e := range []struct {
		name string
		*TextEncoder
	}{{"clip-l", m.TextL}, {"clip-g", m.TextG}} {
		texts := len(s.texts())*chunks + 1 // and the empty one
		g, err := e.Graph(texts, TextTokens)
		if err := add(e.name, e.params, 1, texts, g, err); err != nil {
			return nil, err
		}
	}
	if o.Image != nil {
		g, err := m.VAE.EncoderGraph(1, r.Height, r.Width)
		if err := add("vae-encoder", m.VAE.params, 1, 1, g, err); err != nil {
			return nil, err
		}
	}
	u, err := p.compileUNet(ctx, unetShape{n: r.batch * sides, most: r.batch * sides, h: h, w: w, tokens: chunks * TextTokens, cache: r.cache, freeU: r.FreeU})
	if err != nil {
		return nil, err
	}
	stages = append(stages, u.stages(r.steps)...)
	if err := u.close(); err != nil {
		return nil, err
	}
	g, err := m.VAE.DecoderGraph(1, h, w)
	if err := add("vae-decoder", m.VAE.params, r.batch, 1, g, err); err != nil {
		return nil, err
	}
	return stages, nil
}
