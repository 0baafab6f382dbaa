package sdxl

import (
	"context"
	"errors"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// compileUNet compiles the UNet within what others leave of the pipeline's memory.
func (p *Pipeline) compileUNet(ctx context.Context, s unetShape, used int64) (*unetProgram, error) {
	var short *nn.MemoryError
	// With less and less memory: parts of the batch, nothing computed ahead, a file.
	limit := nn.CompileOptions{Memory: networkMemory(p.memory, used)}
	ahead := s.n*s.tokens <= tokensAhead
	for rows := s.most; rows >= 1; rows-- {
		if s.n%rows != 0 {
			continue
		}
		u, err := p.compileUNetParts(ctx, s, rows, ahead, limit)
		if !errors.As(err, &short) {
			return u, err
		}
	}
	u, err := p.compileUNetParts(ctx, s, 1, false, limit)
	if errors.As(err, &short) {
		limit.Spill = true
		u, err = p.compileUNetParts(ctx, s, 1, false, limit)
	}
	return u, err
}

// takeUNet returns a compiled UNet: one that was kept, or a new one.
func (p *Pipeline) takeUNet(ctx context.Context, s unetShape, used int64) (*unetProgram, error) {
	return p.unets.Take(s.key(), func() (*unetProgram, error) { return p.compileUNet(ctx, s, used) })
}

// compileUNetParts compiles the UNet for parts of a number of rows. With ahead, what
// depends on the conditions alone is computed ahead of the steps, and kept.
func (p *Pipeline) compileUNetParts(ctx context.Context, s unetShape, rows int, ahead bool,
	opts nn.CompileOptions) (*unetProgram, error) {
	m := adaptedUNet(p.model.UNet, s.adapters)
	u := &unetProgram{
		cache:  s.cache,
		sample: make([]float32, s.n*m.Config.InChannels*s.h*s.w), out: make([]float32, s.n*m.Config.OutChannels*s.h*s.w),
		timestep: make([]float32, s.n), channels: m.Config.OutChannels,
	}
	g, err := m.Graph(s.shape(rows, s.cache.cut(nil)), s.patches...)
	if err != nil {
		return nil, err
	}
	if err := u.compile(ctx, p, g, rows, ahead, opts); err != nil {
		return nil, err
	}
	if !s.cache.on() {
		return u, nil
	}
	if opts.Memory > 0 {
		opts.Memory = max(1, opts.Memory-u.kept()-u.each.Footprint().Total())
	}
	around := &unetProgram{sample: u.sample, out: u.out, timestep: u.timestep, parts: u.parts}
	deep := outputOf(g, unet.DeepValue).Shape()
	if g, err = m.Graph(s.shape(rows, s.cache.cut(deep)), s.patches...); err == nil {
		err = around.compile(ctx, p, g, rows, ahead, opts)
	}
	if err != nil {
		return nil, errors.Join(err, u.Close())
	}
	u.shallow = around
	if s.cache.threshold > 0 {
		u.changes = make([]float32, deep.NumElements()*s.n/rows)
	}
	return u, nil
}

// compile compiles a graph of the UNet for parts of a number of rows. An input that
// is the output of a part that is there already shares its memory.
func (u *unetProgram) compile(ctx context.Context, p *Pipeline, g *nn.Graph, rows int, ahead bool,
	opts nn.CompileOptions) (err error) {
	deep := u.parts
	u.parts, u.graph = nil, g
	var once *nn.Graph
	if ahead {
		if once, u.graph, err = nn.Hoist(g, conditionInputs(p.model.UNet)...); err != nil {
			return err
		}
		if kept := bytesOf(once) * int64(len(u.timestep)/rows); opts.Memory > 0 {
			opts.Memory = max(1, opts.Memory-kept)
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, u.Close())
		}
	}()
	if u.each, err = p.model.network(unetPart, u.graph).Compile(ctx, p.base, opts); err != nil {
		return err
	}
	u.eachIn = u.graph.Inputs()
	if once != nil {
		u.onceSrc, u.onceDst = once.Inputs(), once.Outputs()
		if u.once, err = p.model.network(unetPart, once).Compile(ctx, p.base, opts); err != nil {
			return err
		}
	}
	for i := range len(u.timestep) / rows {
		kept := make(map[string]nn.Memory)
		if deep != nil {
			kept[unet.DeepValue] = deep[i].kept[unet.DeepValue]
		}
		part, err := u.part(p.base, i, kept)
		if err != nil {
			return err
		}
		u.parts = append(u.parts, part)
	}
	return nil
}

// outputOf returns an output of a graph by its name.
func outputOf(g *nn.Graph, name string) *nn.Value {
	for _, o := range g.Outputs() {
		if o.Name == name {
			return o.Value
		}
	}
	return nil
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

// part makes the operands of part i: views of the whole batch, what is kept, and
// what its conditions give.
func (u *unetProgram) part(b nn.Backend, i int, kept map[string]nn.Memory) (unetRows, error) {
	p := unetRows{inputs: make(map[string]*tensor.Tensor), outputs: make(map[string]*tensor.Tensor), kept: kept}
	keep := func(o nn.Named) (nn.Memory, error) {
		m, err := b.New(o.Value.DType(), o.Value.Shape()...)
		if err != nil {
			return nil, err
		}
		u.own, p.kept[o.Name] = append(u.own, m), m
		return m, nil
	}
	view := func(v []float32, like *nn.Value) (*tensor.Tensor, error) {
		size := like.Shape().NumElements()
		return tensor.FromSlice(v[i*size:(i+1)*size], like.Shape()...)
	}
	for _, o := range u.onceDst {
		m, err := keep(o)
		if err != nil {
			return p, err
		}
		p.onceDst = append(p.onceDst, m)
	}
	for _, in := range u.eachIn {
		var t *tensor.Tensor
		var err error
		switch {
		case p.kept[in.Name] != nil:
			p.src = append(p.src, p.kept[in.Name])
			continue
		case in.Name == "sample":
			t, err = view(u.sample, in.Value)
		case in.Name == "timestep":
			t, err = view(u.timestep, in.Value)
		default:
			t = tensor.New(in.Value.DType(), in.Value.Shape()...)
		}
		if err != nil {
			return p, err
		}
		p.inputs[in.Name] = t
		p.src = append(p.src, t)
	}
	for _, o := range u.graph.Outputs() {
		var m nn.Memory
		var err error
		switch o.Name {
		case "out":
			m, err = view(u.out, o.Value)
		case unet.DeepValue:
			m, err = keep(o)
		default:
			t := tensor.New(o.Value.DType(), o.Value.Shape()...)
			m, p.outputs[o.Name] = t, t
		}
		if err != nil {
			return p, err
		}
		p.dst = append(p.dst, m)
	}
	return p, nil
}
