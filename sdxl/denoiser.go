package sdxl

import (
	"context"
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// denoiser runs the compiled UNet as the samplers call it: with guidance the
// negative side of the batch first, as the reference has it.
type denoiser struct {
	exe        *program
	cfg        float32 // guidance scale; 1 is a single pass
	prediction sched.Prediction
	sides      int // 1, or 2 with guidance

	sample, timestep, out *tensor.Tensor
	src, dst              []*tensor.Tensor
}

// newDenoiser compiles the UNet for a batch of latents of h x w under the
// given conditions, each [sides*batch, ...].
func newDenoiser(ctx context.Context, u *UNet, b nn.Backend, batch, h, w int, c *conditions) (*denoiser, error) {
	n := batch * c.sides
	g, err := u.Graph(n, h, w, c.context.Shape()[1])
	if err != nil {
		return nil, err
	}
	exe, err := u.params.own(g).compile(ctx, b)
	if err != nil {
		return nil, err
	}
	d := &denoiser{
		exe: exe, cfg: c.cfg, sides: c.sides, prediction: c.prediction,
		sample:   tensor.New(tensor.F32, n, u.Config.InChannels, h, w),
		timestep: tensor.New(tensor.F32, n),
		out:      tensor.New(tensor.F32, n, u.Config.OutChannels, h, w),
	}
	d.src = []*tensor.Tensor{d.sample, d.timestep, c.context, c.pooled, c.timeIDs}
	d.dst = []*tensor.Tensor{d.out}
	return d, nil
}

// denoise estimates x0 from x = x0 + sigma noise.
func (d *denoiser) denoise(ctx context.Context, denoised, x []float32, sigma, time float64) error {
	in, n := d.sample.Float32s(), len(x)
	scale := float32(1 / math.Sqrt(sigma*sigma+1))
	for i, v := range x {
		in[i] = v * scale
	}
	for s := 1; s < d.sides; s++ {
		copy(in[s*n:(s+1)*n], in[:n])
	}
	t := d.timestep.Float32s()
	for i := range t {
		t[i] = float32(time)
	}
	if err := d.exe.Run(ctx, d.dst, d.src); err != nil {
		return err
	}
	pred := d.out.Float32s()
	if d.sides == 2 {
		negative, positive := pred[:n], pred[n:]
		for i, u := range negative {
			negative[i] = u + d.cfg*(positive[i]-u)
		}
	}
	d.prediction.Denoised(denoised, x, pred[:n], sigma)
	return nil
}

func (d *denoiser) close() error { return d.exe.Close() }
