package sdxl

import (
	"context"
	"math"
)

// denoiser runs the compiled UNet as the samplers call it: with guidance the
// negative side of the batch first, as the reference has it.
type denoiser struct {
	unet *unetProgram
	*conditions
	scene int // that is set
}

// newDenoiser compiles the UNet for a batch of latents of h x w under the
// given conditions.
func (p *Pipeline) newDenoiser(ctx context.Context, batch, h, w int, c *conditions, cache deepCache) (*denoiser, error) {
	u, err := p.compileUNet(ctx, unetShape{batch * c.sides(), h, w, c.scenes[0].context.Shape()[1], cache})
	if err != nil {
		return nil, err
	}
	return &denoiser{unet: u, conditions: c, scene: -1}, nil
}

// set tells the UNet the texts of a step.
func (d *denoiser) set(ctx context.Context, step int) error {
	i := d.at[min(step, len(d.at)-1)]
	if i == d.scene {
		return nil
	}
	d.scene = i
	return d.unet.setConditions(ctx, d.scenes[i].context, d.scenes[i].pooled, d.timeIDs)
}

// denoise estimates x0 from x = x0 + sigma noise, in a step.
func (d *denoiser) denoise(ctx context.Context, denoised, x []float32, sigma, time float64, step int) error {
	if err := d.set(ctx, step); err != nil {
		return err
	}
	in, n := d.unet.sample, len(x)
	scale := float32(1 / math.Sqrt(sigma*sigma+1))
	for i, v := range x {
		in[i] = v * scale
	}
	for s := 1; s < d.sides(); s++ {
		copy(in[s*n:(s+1)*n], in[:n])
	}
	t := d.unet.timestep
	for i := range t {
		t[i] = float32(time)
	}
	if err := d.unet.run(ctx); err != nil {
		return err
	}
	pred := d.unet.out
	if d.guided {
		negative, positive := pred[:n], pred[n:2*n]
		d.join(positive, negative, pred[2*n:])
		for i, u := range negative {
			negative[i] = u + d.cfg*(positive[i]-u)
		}
	}
	d.prediction.Denoised(denoised, x, pred[:n], sigma)
	return nil
}

// join makes one positive side of several: what each has more than the
// negative one, by weight (Liu et al. 2022).
func (d *denoiser) join(positive, negative, others []float32) {
	if len(d.weights) == 1 && d.weights[0] == 1 {
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

func (d *denoiser) close() error { return d.unet.close() }
