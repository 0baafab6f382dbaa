package sdxl

import (
	"context"
	"errors"
	"os"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// unetProgram is the UNet compiled for latents of one size. What depends on the
// conditions alone, such as the keys and values of the text, is computed when
// they are set and not at every step. Where memory is short a batch is run in parts.
type unetProgram struct {
	once, each      *program  // once is nil if nothing is computed ahead
	graph           *nn.Graph // of each
	parts           []unetPart
	sample, out     []float32 // [n,4,h,w], what run reads and writes
	timestep        []float32 // [n]
	onceSrc         []nn.Named
	onceDst, eachIn []nn.Named
}

// unetPart is the tensors of some rows of the batch.
type unetPart struct {
	inputs   map[string]*tensor.Tensor // of once and each
	onceDst  []*tensor.Tensor
	src, dst []*tensor.Tensor // of each
}

// conditionInputs are the inputs of the UNet that setConditions gives.
var conditionInputs = []string{"encoder_hidden_states", "text_embeds", "time_ids"}

// compileUNet compiles the UNet for n latents of h x w and texts of so many
// tokens, within the pipeline's limit of memory.
func (p *Pipeline) compileUNet(ctx context.Context, n, h, w, tokens int) (*unetProgram, error) {
	var short *nn.MemoryError
	// With less and less memory: parts of the batch, nothing computed ahead, a file.
	limit := nn.CompileOptions{Memory: p.networkMemory()}
	for rows := n; rows >= 1; rows-- {
		if n%rows != 0 {
			continue
		}
		u, err := p.compileUNetParts(ctx, n, rows, h, w, tokens, true, limit)
		if !errors.As(err, &short) {
			return u, err
		}
	}
	u, err := p.compileUNetParts(ctx, n, 1, h, w, tokens, false, limit)
	if errors.As(err, &short) {
		limit.Spill = os.TempDir()
		u, err = p.compileUNetParts(ctx, n, 1, h, w, tokens, false, limit)
	}
	return u, err
}

// compileUNetParts compiles the UNet for parts of so many rows. With ahead, what
// depends on the conditions alone is computed ahead of the steps, and kept.
func (p *Pipeline) compileUNetParts(ctx context.Context, n, rows, h, w, tokens int, ahead bool, opts nn.CompileOptions) (_ *unetProgram, err error) {
	m := p.Model.UNet
	g, err := m.Graph(rows, h, w, tokens)
	if err != nil {
		return nil, err
	}
	var once *nn.Graph
	each := g
	if ahead {
		if once, each, err = nn.Hoist(g, conditionInputs...); err != nil {
			return nil, err
		}
		if kept := bytesOf(once) * int64(n/rows); opts.Memory > 0 {
			opts.Memory = max(1, opts.Memory-kept)
		}
	}
	u := &unetProgram{
		sample: make([]float32, n*m.Config.InChannels*h*w), out: make([]float32, n*m.Config.OutChannels*h*w),
		timestep: make([]float32, n), eachIn: each.Inputs(), graph: each,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, u.close())
		}
	}()
	if u.each, err = m.params.own(each).compile(ctx, p.Backend, opts); err != nil {
		return nil, err
	}
	if once != nil {
		u.onceSrc, u.onceDst = once.Inputs(), once.Outputs()
		if u.once, err = m.params.own(once).compile(ctx, p.Backend, opts); err != nil {
			return nil, err
		}
	}
	for i := range n / rows {
		part, err := u.part(each, rows, i)
		if err != nil {
			return nil, err
		}
		u.parts = append(u.parts, part)
	}
	return u, nil
}

// bytesOf returns the size of a graph's outputs; nil has none.
func bytesOf(g *nn.Graph) (n int64) {
	if g == nil {
		return 0
	}
	for _, o := range g.Outputs() {
		n += int64(o.Value.Bytes())
	}
	return n
}

// part makes the tensors of part i: views of the whole batch, and what its
// conditions give.
func (u *unetProgram) part(each *nn.Graph, rows, i int) (unetPart, error) {
	p := unetPart{inputs: make(map[string]*tensor.Tensor)}
	for _, o := range u.onceDst {
		t := tensor.New(o.Value.DType(), o.Value.Shape()...)
		p.inputs[o.Name] = t
		p.onceDst = append(p.onceDst, t)
	}
	view := func(v []float32, like *nn.Value) (*tensor.Tensor, error) {
		size := like.Shape().NumElements()
		return tensor.FromSlice(v[i*size:(i+1)*size], like.Shape()...)
	}
	for _, in := range u.eachIn {
		var err error
		switch t := p.inputs[in.Name]; {
		case in.Name == "sample":
			t, err = view(u.sample, in.Value)
			p.inputs[in.Name] = t
		case in.Name == "timestep":
			t, err = view(u.timestep, in.Value)
			p.inputs[in.Name] = t
		case t == nil:
			p.inputs[in.Name] = tensor.New(in.Value.DType(), in.Value.Shape()...)
		}
		if err != nil {
			return p, err
		}
		p.src = append(p.src, p.inputs[in.Name])
	}
	out, err := view(u.out, each.Outputs()[0].Value)
	p.dst = []*tensor.Tensor{out}
	return p, err
}

// setConditions sets the text's hidden states [n,tokens,C], the pooled text
// [n,P] and the sizes [n,6] for the runs that follow.
func (u *unetProgram) setConditions(ctx context.Context, context, pooled, timeIDs *tensor.Tensor) error {
	rows := context.Shape()[0] / len(u.parts)
	for i, part := range u.parts {
		given := map[string]*tensor.Tensor{"encoder_hidden_states": context, "text_embeds": pooled, "time_ids": timeIDs}
		for name, t := range given {
			v, err := t.Narrow(0, i*rows, (i+1)*rows)
			if err != nil {
				return err
			}
			if given[name], err = v.Contiguous(); err != nil {
				return err
			}
			if in := part.inputs[name]; in != nil {
				copy(in.Float32s(), given[name].Float32s())
			}
		}
		if u.once == nil {
			continue
		}
		src := make([]*tensor.Tensor, len(u.onceSrc))
		for j, in := range u.onceSrc {
			src[j] = given[in.Name]
		}
		if err := u.once.Run(ctx, part.onceDst, src); err != nil {
			return err
		}
	}
	return nil
}

// run computes out from sample and timestep.
func (u *unetProgram) run(ctx context.Context) error {
	for _, part := range u.parts {
		if err := u.each.Run(ctx, part.dst, part.src); err != nil {
			return err
		}
	}
	return nil
}

// stage says what the program takes for so many steps.
func (u *unetProgram) stage(steps int) Stage {
	s := Stage{Name: "unet", Graph: u.graph, Runs: steps * len(u.parts), Batch: len(u.timestep) / len(u.parts), Footprint: u.each.Footprint()}
	for _, p := range u.parts {
		for _, t := range p.onceDst {
			s.Kept += int64(len(t.Bytes()))
		}
	}
	return s
}

func (u *unetProgram) close() error {
	var errs []error
	for _, p := range []*program{u.once, u.each} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}
