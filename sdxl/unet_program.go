package sdxl

import (
	"context"
	"errors"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// unetProgram is the UNet compiled for latents of one size. What depends on the
// conditions alone, such as the keys and values of the text, is computed when
// they are set and not at every step.
type unetProgram struct {
	once, each *program // once is nil if nothing is computed ahead
	onceDst    []*tensor.Tensor
	inputs     map[string]*tensor.Tensor // of both, by name
	onceInputs []nn.Named
	src, dst   []*tensor.Tensor // of each
}

// conditionInputs are the inputs of the UNet that setConditions gives.
var conditionInputs = []string{"encoder_hidden_states", "text_embeds", "time_ids"}

// compileUNet compiles the UNet for n latents of h x w and texts of so many tokens.
func compileUNet(ctx context.Context, u *UNet, b nn.Backend, n, h, w, tokens int) (*unetProgram, error) {
	g, err := u.Graph(n, h, w, tokens)
	if err != nil {
		return nil, err
	}
	once, each, err := nn.Hoist(g, conditionInputs...)
	if err != nil {
		return nil, err
	}
	p := &unetProgram{inputs: make(map[string]*tensor.Tensor)}
	if p.each, err = u.params.own(each).compile(ctx, b); err != nil {
		return nil, err
	}
	if once != nil {
		if p.once, err = u.params.own(once).compile(ctx, b); err != nil {
			return nil, errors.Join(err, p.close())
		}
		p.onceInputs = once.Inputs()
		for _, o := range once.Outputs() {
			t := tensor.New(o.Value.DType(), o.Value.Shape()...)
			p.inputs[o.Name] = t
			p.onceDst = append(p.onceDst, t)
		}
	}
	for _, in := range each.Inputs() {
		if p.inputs[in.Name] == nil {
			p.inputs[in.Name] = tensor.New(in.Value.DType(), in.Value.Shape()...)
		}
		p.src = append(p.src, p.inputs[in.Name])
	}
	for _, o := range each.Outputs() {
		p.dst = append(p.dst, tensor.New(o.Value.DType(), o.Value.Shape()...))
	}
	return p, nil
}

// setConditions sets the text's hidden states [n,tokens,C], the pooled text
// [n,P] and the sizes [n,6] for the runs that follow.
func (p *unetProgram) setConditions(ctx context.Context, context, pooled, timeIDs *tensor.Tensor) error {
	given := map[string]*tensor.Tensor{"encoder_hidden_states": context, "text_embeds": pooled, "time_ids": timeIDs}
	for name, t := range given {
		if in := p.inputs[name]; in != nil { // of each, whose tensors stay
			copy(in.Float32s(), t.Float32s())
		}
	}
	if p.once == nil {
		return nil
	}
	src := make([]*tensor.Tensor, len(p.onceInputs))
	for i, in := range p.onceInputs {
		src[i] = given[in.Name]
	}
	return p.once.Run(ctx, p.onceDst, src)
}

// sample and timestep are what run reads, [n,4,h,w] and [n]; out is what it writes.
func (p *unetProgram) sample() []float32   { return p.inputs["sample"].Float32s() }
func (p *unetProgram) timestep() []float32 { return p.inputs["timestep"].Float32s() }
func (p *unetProgram) out() []float32      { return p.dst[0].Float32s() }

func (p *unetProgram) run(ctx context.Context) error { return p.each.Run(ctx, p.dst, p.src) }

func (p *unetProgram) close() error {
	err := p.each.Close()
	if p.once != nil {
		err = errors.Join(err, p.once.Close())
	}
	return err
}
