package sdxl

import (
	"context"
	"errors"

	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/sdxl/unet"
)

// denoiser runs the compiled UNet as the samplers call it: with guidance the
// negative side of the batch first, as the reference has it.
type denoiser struct {
	unet *unetProgram
	pag  *guideUNet // nil without such guidance
	sag  *sagUNet   // so too
	*conditions
	guide *guidance.Run[float32]
	batch int
	rests bool // where the scale is 1 the positive side runs alone
	given int  // the scene that is set
}

// sidesAtOnce bounds the memory of a prompt of many clauses, which are run in
// parts.
const sidesAtOnce = 8

// newDenoiser compiles the UNet for a batch of latents of h x w under the
// given conditions.
func (p *Pipeline) newDenoiser(ctx context.Context, batch, h, w int, c *conditions, guide *guidance.Run[float32], r *resolved) (*denoiser, error) {
	n := batch * c.sides()
	most, rests := n, c.guided && guide.Rests() && c.single() && !r.cache.on() && r.SAG == 0
	if rests {
		most = batch
	}
	shape := r.unetShape(n, h, w, c.tokens)
	shape.most = min(most, max(2*batch, sidesAtOnce))
	q := *p
	if q.Memory > 0 {
		q.Memory = max(1, q.Memory-max(0, c.texts.bytes()-textsBeside))
	}
	u, err := q.compileUNet(ctx, shape)
	if err != nil {
		return nil, err
	}
	d := &denoiser{unet: u, conditions: c, guide: guide, batch: batch, rests: rests, given: -1}
	return d, d.newGuides(ctx, &q, shape, r)
}

// set tells the UNet the texts of a step.
func (d *denoiser) set(ctx context.Context, step int) error {
	i := d.at[min(step, len(d.at)-1)]
	if i == d.given {
		return nil
	}
	d.given = i
	s, err := d.scene(i)
	if err != nil {
		return err
	}
	if err := d.unet.setConditions(ctx, s.context, s.pooled, d.timeIDs); err != nil {
		return err
	}
	for _, a := range d.guides() {
		if err := a.set(ctx, s.context, s.pooled, d.timeIDs); err != nil {
			return err
		}
	}
	return nil
}

// guides returns the further networks.
func (d *denoiser) guides() (all []*guideUNet) {
	if d.pag != nil {
		all = append(all, d.pag)
	}
	if d.sag != nil {
		all = append(all, d.sag.guideUNet)
	}
	return all
}

// received returns the attention that the pixels of a row of the batch get.
func (d *denoiser) received(row int) []float32 {
	rows := len(d.unet.timestep) / len(d.unet.parts)
	all := d.unet.output(unet.ReceivedValue, row/rows)
	size := len(all) / rows
	return all[row%rows*size:][:size]
}

// denoise estimates x0 from x = x0 + sigma noise, in a step.
func (d *denoiser) denoise(ctx context.Context, denoised, x []float32, sigma, time float64, step int) error {
	if err := d.set(ctx, step); err != nil {
		return err
	}
	in, n := d.unet.sample, len(x)
	scale, _, _ := d.prediction.Scalings(sigma)
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
		in, skip, out := d.prediction.Scalings(sigma)
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
	d.prediction.Denoised(denoised, x, pred, sigma)
	return nil
}

// combine makes one output of all sides', picture by picture.
func (d *denoiser) combine(x []float32, sigma, cfg float64) []float32 {
	n, out := len(x), d.unet.out
	negative, positive := out[:n], out[n:2*n]
	d.join(positive, negative, out[2*n:])
	if cfg == 1 {
		return positive
	}
	_, skip, scale := d.prediction.Scalings(sigma)
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
func (c *conditions) single() bool { return len(c.weights) == 1 && c.weights[0] == 1 }

// join makes one positive side of several: what each has more than the
// negative one, by weight (Liu et al. 2022).
func (d *denoiser) join(positive, negative, others []float32) {
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

func (d *denoiser) close() error {
	errs := []error{d.unet.close()}
	for _, a := range d.guides() {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}
