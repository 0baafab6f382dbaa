package sdxl

import (
	"context"
	"errors"
	"fmt"

	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl/unet"
)

// Denoiser is the UNet with its conditions, as samplers call it. With guidance,
// the negative side comes first in the batch, as in the reference. It serves
// one run at a time. Close frees its memory.
type Denoiser struct {
	pipe *Pipeline
	key  string // of the compiled network
	unet *unetProgram
	pag  *guideUNet // nil without such guidance
	sag  *sagUNet   // so too
	*Conditions
	guide *guidance.Run[float32]
	batch int
	rests bool // where the scale is 1 the positive side runs alone
	step  int
	given int // the scene that is set
}

// sidesAtOnce bounds the memory of a prompt of many clauses, which are run in
// parts.
const sidesAtOnce = 8

// Denoiser compiles the UNet for the conditions.
func (p *Pipeline) Denoiser(ctx context.Context, c *Conditions) (*Denoiser, error) {
	if err := p.model.Require("denoising", UNetPart|VAEPart); err != nil {
		return nil, err
	}
	d := &Denoiser{pipe: p, Conditions: c, batch: c.resolved.batch, given: -1}
	d.restart(c.schedule.Sigmas)
	n, shape := d.batch*c.sides(), c.latents()
	most := n
	if d.rests = c.guided && d.guide.Rests() && c.single() && !c.cache.on() && c.SAG == 0; d.rests {
		most = d.batch
	}
	s := c.unetShape(n, shape[2], shape[3], c.tokens)
	s.most = min(most, max(2*d.batch, sidesAtOnce))
	used := max(0, c.texts.bytes()-textsBeside)
	var err error
	d.key = s.key()
	if d.unet, err = p.takeUNet(ctx, s, used); err != nil {
		return nil, err
	}
	return d, d.newGuides(ctx, s, used)
}

// restart begins a run along noise levels.
func (d *Denoiser) restart(sigmas []float64) {
	d.guide = guidance.NewRun[float32](d.Guidance, d.cfg, sigmas, d.batch)
	if d.unet != nil {
		d.unet.calls = 0
	}
}

// Step sets the step, from 0, of the calls that follow: prompts may change from
// step to step.
func (d *Denoiser) Step(i int) { d.step = i }

// bytes is the memory that it holds.
func (d *Denoiser) bytes() int64 {
	n := d.unet.Bytes()
	for _, g := range d.guides() {
		n += g.Bytes()
	}
	return n
}

// set tells the UNet the texts of a step.
func (d *Denoiser) set(ctx context.Context, step int) error {
	i := d.at[min(step, len(d.at)-1)]
	if i == d.given {
		return nil
	}
	d.given = i
	s, err := d.scene(i)
	if err != nil {
		return err
	}
	if err := d.unet.setConditions(ctx, s.context, s.pooled, d.timeIDs, d.guidance); err != nil {
		return err
	}
	for _, a := range d.guides() {
		if err := a.set(ctx, s.context, s.pooled, d.timeIDs, d.guidance); err != nil {
			return err
		}
	}
	return nil
}

// guides returns the further networks.
func (d *Denoiser) guides() (all []*guideUNet) {
	if d.pag != nil {
		all = append(all, d.pag)
	}
	if d.sag != nil {
		all = append(all, d.sag.guideUNet)
	}
	return all
}

// received returns the attention that the pixels of a row of the batch get.
func (d *Denoiser) received(row int) []float32 {
	rows := len(d.unet.timestep) / len(d.unet.parts)
	all := d.unet.output(unet.ReceivedValue, row/rows)
	size := len(all) / rows
	return all[row%rows*size:][:size]
}

// Denoise sets denoised to the estimate of x0 from latents x = x0 + sigma noise
// [B,4,h,w]. It is a sched.Run's Denoise.
func (d *Denoiser) Denoise(ctx context.Context, denoised, x []float32, sigma float64) error {
	if want := d.latents().NumElements(); len(x) != want || len(denoised) != want {
		return fmt.Errorf("sdxl: %d latents and room for %d, want %d", len(x), len(denoised), want)
	}
	if err := d.set(ctx, d.step); err != nil {
		return err
	}
	time := d.schedule.Time(sigma)
	in, n := d.unet.sample, len(x)
	scale, _, _ := d.schedule.Prediction.Scalings(sigma)
	for i, v := range x {
		in[i] = v * float32(scale)
	}
	for s := 1; s < d.sides(); s++ {
		copy(in[s*n:(s+1)*n], in[:n])
	}
	t := d.unet.timestep
	for i := range t {
		t[i] = float32(time)
	}
	cfg, from := 1.0, 0
	if d.guided {
		cfg = d.guide.Scale(sigma)
	}
	if d.rests && cfg == 1 {
		from = d.batch
	}
	if err := d.unet.run(ctx, from); err != nil {
		return err
	}
	pred := d.unet.out[:n]
	if d.pag != nil {
		positive := pred
		if d.guided {
			positive = d.unet.out[n : 2*n]
		}
		if err := d.pag.run(ctx, in[:n], positive, float32(time)); err != nil {
			return err
		}
	}
	if d.sag != nil {
		in, skip, out := d.schedule.Prediction.Scalings(sigma)
		if err := d.sag.run(ctx, x, pred, in, skip, out, time, d.received); err != nil {
			return err
		}
	}
	if d.guided {
		pred = d.combine(x, sigma, cfg)
	}
	for _, a := range d.guides() {
		for i, v := range a.delta {
			pred[i] += v
		}
	}
	d.schedule.Prediction.Denoised(denoised, x, pred, sigma)
	return nil
}

// combine makes one output of all sides', picture by picture.
func (d *Denoiser) combine(x []float32, sigma, cfg float64) []float32 {
	n, out := len(x), d.unet.out
	negative, positive := out[:n], out[n:2*n]
	d.join(positive, negative, out[2*n:])
	if cfg == 1 {
		return positive
	}
	_, skip, scale := d.schedule.Prediction.Scalings(sigma)
	size := n / d.batch
	for i := range d.batch {
		from, to := i*size, (i+1)*size
		d.guide.Guide(i, negative[from:to], &guidance.Sides[float32]{
			X: x[from:to], Negative: negative[from:to], Positive: positive[from:to],
			Skip: skip, Out: scale, Scale: cfg, Channels: d.unet.channels,
		})
	}
	return negative
}

// single tells whether there is one positive side, as it is.
func (c *Conditions) single() bool { return len(c.weights) == 1 && c.weights[0] == 1 }

// join makes one positive side of several: what each has more than the
// negative one, by weight (Liu et al. 2022).
func (d *Denoiser) join(positive, negative, others []float32) {
	if d.single() {
		return
	}
	n := len(positive)
	for i, u := range negative {
		sum := d.weights[0] * (positive[i] - u)
		for k, w := range d.weights[1:] {
			sum += w * (others[k*n+i] - u)
		}
		positive[i] = u + sum
	}
}

// Close gives the compiled networks back to the pipeline. A second call does nothing.
func (d *Denoiser) Close() error {
	if d.unet == nil {
		return nil
	}
	errs := []error{d.pipe.unets.Put(d.key, d.unet)}
	for _, a := range d.guides() {
		errs = append(errs, d.pipe.unets.Put(a.key, a.unetProgram))
	}
	d.unet, d.pag, d.sag = nil, nil, nil
	return errors.Join(errs...)
}
