package sdxl

import (
	"context"
	"fmt"
	"image"
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/tensor"
)

// Pipeline makes pictures from texts with a model. Generate may be called from
// several goroutines; the calls share the backend's threads.
type Pipeline struct {
	Model   *Model // opened with all its parts
	Backend nn.Backend
	// Memory is how many bytes Generate may allocate, more or less; 0 is no
	// limit. Weights are not among them, which stay in their files. With little memory the
	// sides of a batch run one after the other, and what still does not fit lies in a
	// nameless file in the folder for temporary files. The pictures are the same.
	Memory int64
}

// Progress tells how far a picture is.
type Progress struct {
	Step, Steps int
	Sigma       float64        // noise level after the step
	Latents     *tensor.Tensor // [B,4,h,w], x0 + sigma noise; valid during the call
	Denoised    *tensor.Tensor // [B,4,h,w], the current estimate of x0; valid during the call
	// Preview decodes Denoised.
	Preview func(context.Context) ([]*image.NRGBA, error)
}

// Result is the pictures of one call and what makes them again.
type Result struct {
	Images []*image.NRGBA
	// Parameters are the options with all that was open filled in.
	Parameters Options
}

// Generate makes pictures. It is deterministic: the same options and seed give
// the same bytes at any number of threads.
func (p *Pipeline) Generate(ctx context.Context, o Options) (*Result, error) {
	m := p.Model
	if err := m.Require("a picture", AllParts); err != nil {
		return nil, err
	}
	r, err := o.resolve(m)
	if err != nil {
		return nil, err
	}
	schedule, err := r.schedule(&m.Scheduler)
	if err != nil {
		return nil, err
	}
	schedule = schedule.Until(o.SkipEnd)
	var heeded sched.Run[float32]
	r.Noising.tell(&heeded)
	if err := schedule.Sampler.Check(&heeded); err != nil {
		return nil, err
	}
	if err := r.checkCalls(ctx, m, schedule); err != nil {
		return nil, err
	}
	r.pick(schedule)
	c, err := p.encodeConditions(ctx, &r, len(schedule.Timesteps))
	if err != nil {
		return nil, err
	}
	c.prediction = schedule.Prediction
	noise := r.noise(false, schedule.Motion())
	x, err := p.start(ctx, &r, schedule, noise)
	if err != nil {
		return nil, err
	}
	if err := p.sample(ctx, &r, schedule, c, x, noise); err != nil {
		return nil, err
	}
	if r.kept != nil {
		if x, err = x.Narrow(0, *r.kept, *r.kept+1); err != nil {
			return nil, err
		}
	}
	r.trace("latents", x)
	decoded, err := p.decode(ctx, x)
	if err != nil {
		return nil, err
	}
	r.trace("image", decoded)
	return &Result{Images: toImages(decoded), Parameters: r.made(schedule)}, nil
}

// schedule returns the noise levels of the run, for a picture to start from those of its strength.
func (r *resolved) schedule(c *sched.Config) (*sched.Schedule, error) {
	o := sched.Overrides{Sampler: r.Sampler, Schedule: r.Schedule, Spacing: r.Spacing, Sigmas: r.Sigmas, Dialect: r.Dialect, Custom: r.Custom}
	if r.Image != nil {
		return c.NewTail(o, r.steps, r.strength)
	}
	return c.New(o, r.steps)
}

// start draws the first noise and returns x0 + sigma noise: of zeros, or of
// the encoded picture.
func (p *Pipeline) start(ctx context.Context, r *resolved, s *sched.Schedule, noise sched.Noise) (*tensor.Tensor, error) {
	v := p.Model.VAE
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
func (p *Pipeline) sample(ctx context.Context, r *resolved, s *sched.Schedule, c *conditions, x *tensor.Tensor, noise sched.Noise) error {
	shape := x.Shape()
	guide := guidance.NewRun[float32](r.Guidance, r.cfg, s.Sigmas, shape[0])
	d, err := p.newDenoiser(ctx, shape[0], shape[2], shape[3], c, guide, r)
	if err != nil {
		return err
	}
	defer d.close()
	r.traceNumbers("sigmas", s.Sigmas)
	r.traceNumbers("timesteps", s.Timesteps)
	step, steps, calls := 0, len(s.Timesteps), 0
	run := sched.NewRun(s, x.Float32s(), shape[0])
	run.Noise = noise
	run.Denoise = func(ctx context.Context, denoised, x []float32, sigma float64) error {
		if calls += r.callsOfStep(c.script); r.MostCalls > 0 && calls > r.MostCalls {
			return r.tooManyCalls()
		}
		return d.denoise(ctx, denoised, x, sigma, s.Time(sigma), step)
	}
	run.OnStep = func(i int, latents, denoised []float32) error {
		if err := r.noiseFault(); err != nil {
			return err
		}
		step = i + 1
		r.traceLatents(i, x, s)
		if r.Progress != nil {
			x0, err := tensor.FromSlice(denoised, shape...)
			if err != nil {
				return err
			}
			r.Progress(Progress{
				Step: i + 1, Steps: steps, Sigma: s.Sigmas[i+1], Latents: x, Denoised: x0,
				Preview: func(ctx context.Context) ([]*image.NRGBA, error) {
					t, err := p.decode(ctx, x0)
					if err != nil {
						return nil, err
					}
					return toImages(t), nil
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

// decode turns latents into pictures [B,3,H,W], -1 to 1, not clamped.
func (p *Pipeline) decode(ctx context.Context, latents *tensor.Tensor) (*tensor.Tensor, error) {
	img, err := p.Decode(ctx, latents)
	if err != nil {
		return nil, err
	}
	for i, v := range img.Float32s() {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("vae: the decoded picture holds %w at element %d", sched.ErrNotFinite, i)
		}
	}
	return img, nil
}
