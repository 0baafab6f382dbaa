package sdxl

import (
	"context"
	"errors"

	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// unetProgram is the UNet compiled for latents of one size. What depends on the
// conditions alone, such as the keys and values of the text, is computed when
// they are set and not at every step. Where memory is short a batch is run in parts.
type unetProgram struct {
	once, each      *program.Program // once is nil if nothing is computed ahead
	graph           *nn.Graph        // of each
	parts           []unetRows
	sample, out     []float32 // [n,4,h,w], what run reads and writes
	timestep        []float32 // [n]
	channels        int
	onceSrc         []nn.Named
	onceDst, eachIn []nn.Named
	own             []nn.Memory // of the backend, to be freed

	cache   unetCache
	shallow *unetProgram // the layers around what cache holds, or nil
	calls   int          // since the conditions were set
	changes []float32    // of the first block, at the last call of the whole network
}

// unetRows is the operands of some rows of the batch. What only programs read is
// memory of the backend, which a device need not copy at every step.
type unetRows struct {
	inputs   map[string]*tensor.Tensor // of each, that the conditions set
	outputs  map[string]*tensor.Tensor // of each, but for out
	kept     map[string]nn.Memory      // what once computes, and what a cache holds
	onceDst  []nn.Memory
	src, dst []nn.Memory // of each
}

// conditionInputs returns the inputs of a UNet that setConditions gives.
func conditionInputs(u *unet.UNet) []string {
	names := []string{"encoder_hidden_states", "text_embeds", "time_ids"}
	if u.TakesGuidance() {
		names = append(names, "timestep_cond")
	}
	return names
}

// tokensAhead bounds the tokens of all rows whose keys and values are computed
// ahead: SDXL keeps 0.7 MB of each. With more they are computed at every step.
const tokensAhead = 64 * prompt.Length

// setConditions sets the text's hidden states [n,tokens,C], the pooled text
// [n,P], the sizes [n,6] and the embedding of the guidance scale [n,dim] for the runs that follow. The last
// is nil for a network that takes none.
func (u *unetProgram) setConditions(ctx context.Context, context, pooled, timeIDs, guidance *tensor.Tensor) error {
	u.calls = 0
	if u.shallow != nil {
		if err := u.shallow.setConditions(ctx, context, pooled, timeIDs, guidance); err != nil {
			return err
		}
	}
	rows := context.Shape()[0] / len(u.parts)
	for i, part := range u.parts {
		given := map[string]*tensor.Tensor{"encoder_hidden_states": context, "text_embeds": pooled, "time_ids": timeIDs}
		if guidance != nil {
			given["timestep_cond"] = guidance
		}
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
		if err := u.once.Run(ctx, part.onceDst, nn.Tensors(src...)); err != nil {
			return err
		}
	}
	return nil
}

// run computes out from sample and timestep, but for parts that end before a
// row, which must be 0 with a cache.
func (u *unetProgram) run(ctx context.Context, from int) error {
	u.calls++
	switch {
	case u.cache.interval > 0 && (u.calls-1)%u.cache.interval != 0:
		return u.shallow.run(ctx, from)
	case u.cache.threshold > 0:
		if err := u.shallow.run(ctx, from); err != nil || !u.changed() {
			return err
		}
	}
	rows := len(u.timestep) / len(u.parts)
	for i, part := range u.parts {
		if (i+1)*rows <= from {
			continue
		}
		if err := u.each.Run(ctx, part.dst, part.src); err != nil {
			return err
		}
	}
	return nil
}

// output returns the output of a name of part i.
func (u *unetProgram) output(name string, i int) []float32 {
	return u.parts[i].outputs[name].Float32s()
}

// Bytes implements program.Kept.
func (u *unetProgram) Bytes() int64 {
	n := u.kept()
	for _, v := range [][]float32{u.sample, u.out, u.timestep} {
		n += int64(4 * len(v))
	}
	for _, p := range []*program.Program{u.once, u.each} {
		if p != nil {
			n += p.Bytes()
		}
	}
	if u.shallow != nil {
		n += u.shallow.kept() + u.shallow.each.Bytes()
	}
	return n
}

// kept returns the bytes of what stays from step to step.
func (u *unetProgram) kept() (n int64) {
	for _, m := range u.own {
		n += int64(m.DType().Size() * m.Shape().NumElements())
	}
	for _, p := range u.parts {
		for _, t := range p.outputs {
			n += int64(len(t.Bytes()))
		}
	}
	return n + int64(4*len(u.changes))
}

// Close implements program.Kept.
func (u *unetProgram) Close() error {
	var errs []error
	for _, m := range u.own {
		errs = append(errs, nn.Free(m))
	}
	u.own = nil
	for _, p := range []*program.Program{u.once, u.each} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	if u.shallow != nil {
		errs = append(errs, u.shallow.Close())
	}
	return errors.Join(errs...)
}
