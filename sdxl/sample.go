package sdxl

import (
	"context"
	"image"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// start draws the first noise and returns x0 + sigma noise: of zeros, or of
// the encoded picture.
func (p *Pipeline) start(ctx context.Context, c *Conditions, noise sched.Noise) (*tensor.Tensor, error) {
	v, r, s := p.model.VAE, &c.resolved, c.schedule
	scale := v.Config.Scale()
	x := tensor.New(tensor.F32, r.batch, v.Config.LatentChannels, r.Height/scale, r.Width/scale)
	latents := x.Float32s()
	var encoded []float32
	if r.Image != nil {
		// The reference draws the encoder's sample first, then the noise; the web UIs'
		// encoders draw none from the seed.
		each := forEncoder(noise)
		if s.Dialect == sched.A1111 || s.Dialect == sched.Comfy {
			each = perPicture{nil}
		}
		for _, n := range each {
			t, err := p.EncodeImage(ctx, fromImage(r.Image, r.Width, r.Height), n)
			if err != nil {
				return nil, err
			}
			encoded = append(encoded, t.Float32s()...)
		}
	}
	noise.Normal(latents)
	r.vary(latents, v.Config.LatentChannels, r.Height/scale, r.Width/scale)
	r.trace("noise", x)
	if encoded == nil {
		f := float32(s.FirstScale())
		for i := range latents {
			latents[i] *= f
		}
		return x, nil
	}
	share, strong := float32(s.ImageShare()), float32(s.ImageScale())
	for i := range latents {
		latents[i] = share*encoded[i%len(encoded)] + strong*latents[i]
	}
	return x, nil
}

// sample runs the sampler on x in place.
func (p *Pipeline) sample(ctx context.Context, c *Conditions, x *tensor.Tensor, noise sched.Noise) error {
	shape, r, s := x.Shape(), &c.resolved, c.schedule
	d, err := p.Denoiser(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	r.traceNumbers("sigmas", s.Sigmas)
	r.traceNumbers("timesteps", s.Timesteps)
	steps, calls := len(s.Timesteps), 0
	run := sched.NewRun(s, x.Float32s(), shape[0])
	run.Noise = noise
	run.Denoise = func(ctx context.Context, denoised, x []float32, sigma float64) error {
		if calls += r.callsOfStep(c.script); r.MostCalls > 0 && calls > r.MostCalls {
			return r.tooManyCalls()
		}
		return d.Denoise(ctx, denoised, x, sigma)
	}
	run.OnStep = func(i int, latents, denoised []float32) error {
		if err := r.noiseFault(); err != nil {
			return err
		}
		d.Step(i + 1)
		r.traceLatents(i, x, s)
		if r.Progress != nil {
			x0, err := tensor.FromSlice(denoised, shape...)
			if err != nil {
				return err
			}
			r.Progress(Progress{
				Step: i + 1, Steps: steps, Sigma: s.Sigmas[i+1], Latents: x, Denoised: x0,
				Preview: func(ctx context.Context) ([]*image.NRGBA, error) {
					t, err := p.decode(ctx, x0, d.bytes())
					if err != nil {
						return nil, err
					}
					return toImages(t, s.Dialect), nil
				},
			})
		}
		return nil
	}
	r.Noising.tell(run)
	if err := s.Sampler.F32(ctx, run); err != nil {
		return err
	}
	// The VAE takes the latents of the reference, which a last level above 0 scales.
	if f := float32(s.LatentScale(steps - 1)); f != 1 {
		for i := range run.X {
			run.X[i] *= f
		}
	}
	return nil
}
