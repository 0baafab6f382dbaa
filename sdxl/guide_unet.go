package sdxl

import (
	"context"
	"errors"
	"slices"

	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// guideUNet is the UNet once more for one side of the batch, under another name: what
// it gives is what the guided output is pushed away from.
type guideUNet struct {
	*unetProgram
	key   string // of the compiled network
	name  string // pag or sag
	scale float32
	from  int       // the first row of that side
	delta []float32 // what is added to the output
}

// newGuide compiles it within what the other programs leave of the memory.
func (p *Pipeline) newGuide(ctx context.Context, name string, batch, from int, s unetShape, scale float64,
	used int64) (*guideUNet, error) {
	s.n, s.most, s.cache = batch, batch, unetCache{}
	u, err := p.takeUNet(ctx, s, used)
	if err != nil {
		return nil, err
	}
	return &guideUNet{u, s.key(), name, float32(scale), from, make([]float32, len(u.out))}, nil
}

// set gives it its side of the conditions of the whole batch.
func (a *guideUNet) set(ctx context.Context, all ...*tensor.Tensor) error {
	own := make([]*tensor.Tensor, len(all))
	for i, t := range all {
		if t == nil {
			continue
		}
		v, err := t.Narrow(0, a.from, a.from+len(a.timestep))
		if err != nil {
			return err
		}
		if own[i], err = v.Contiguous(); err != nil {
			return err
		}
	}
	return a.setConditions(ctx, own[0], own[1], own[2], own[3])
}

// run sets delta to scale times what the side of the batch has more than this
// network's answer to the sample.
func (a *guideUNet) run(ctx context.Context, sample, side []float32, time float32) error {
	copy(a.sample, sample)
	for i := range a.timestep {
		a.timestep[i] = time
	}
	if err := a.unetProgram.run(ctx, 0); err != nil {
		return err
	}
	for i, v := range side[:len(a.delta)] {
		a.delta[i] = a.scale * (v - a.out[i])
	}
	return nil
}

// newGuides compiles what perturbed attention and self-attention guidance ask for.
func (d *Denoiser) newGuides(ctx context.Context, s unetShape, used int64) error {
	p, r := d.pipe, &d.resolved
	positive := 0
	if d.guided {
		positive = d.batch
	}
	used += d.unet.kept() + d.unet.each.Footprint().Total()
	s.patches, s.patched = r.patches(), r.patched()
	add := func(name string, from int, s unetShape, scale float64) (*guideUNet, error) {
		a, err := p.newGuide(ctx, name, d.batch, from, s, scale, used)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		used += a.kept() + a.each.Footprint().Total()
		return a, nil
	}
	if r.PAG.on() {
		perturbed := s
		names, err := r.PAG.pattern()
		if err != nil {
			return errors.Join(err, d.Close())
		}
		perturbed.patches, perturbed.patched = append(slices.Clip(s.patches), unet.PerturbedAttention(names)),
			s.patched+" pag "+names.String()
		if d.pag, err = add("pag", positive, perturbed, r.PAG.Scale); err != nil {
			return err
		}
	}
	if r.SAG == 0 {
		return nil
	}
	a, err := add("sag", 0, s, r.SAG)
	if err != nil {
		return err
	}
	d.sag = newSAG(a, p.model.UNet.Levels(), d.batch, d.unet.channels, s.h, s.w)
	return nil
}
