package sdxl

import (
	"context"
	"errors"
	"math"

	"github.com/df65613c/easel/sched"
)

// denoiser runs the compiled UNet as the samplers call it: with guidance the
// negative side of the batch first, as the reference has it.
type denoiser struct {
	unet       *unetProgram
	cfg        float32 // guidance scale; 1 is a single pass
	prediction sched.Prediction
	sides      int // 1, or 2 with guidance
}

// newDenoiser compiles the UNet for a batch of latents of h x w under the
// given conditions, each [sides*batch, ...].
func (p *Pipeline) newDenoiser(ctx context.Context, batch, h, w int, c *conditions) (*denoiser, error) {
	u, err := p.compileUNet(ctx, batch*c.sides, h, w, c.context.Shape()[1])
	if err != nil {
		return nil, err
	}
	if err := u.setConditions(ctx, c.context, c.pooled, c.timeIDs); err != nil {
		return nil, errors.Join(err, u.close())
	}
	return &denoiser{unet: u, cfg: c.cfg, sides: c.sides, prediction: c.prediction}, nil
}

// denoise estimates x0 from x = x0 + sigma noise.
func (d *denoiser) denoise(ctx context.Context, denoised, x []float32, sigma, time float64) error {
	in, n := d.unet.sample, len(x)
	scale := float32(1 / math.Sqrt(sigma*sigma+1))
	for i, v := range x {
		in[i] = v * scale
	}
	for s := 1; s < d.sides; s++ {
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
	if d.sides == 2 {
		negative, positive := pred[:n], pred[n:]
		for i, u := range negative {
			negative[i] = u + d.cfg*(positive[i]-u)
		}
	}
	d.prediction.Denoised(denoised, x, pred[:n], sigma)
	return nil
}

func (d *denoiser) close() error { return d.unet.close() }
