package sdxl

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/guidance"
	"github.com/df65613c/easel/tensor"
)

// Study is the denoiser of one picture, with its prompts encoded and its
// network compiled, for samplers that are run by hand. Close frees it.
type Study struct {
	pipe  *Pipeline
	r     resolved
	d     *denoiser
	times *sched.Schedule
	shape tensor.Shape // of latents
}

// Study prepares to sample the picture that options describe, whose sampler,
// schedule and steps do not matter. It is one picture from a text. Its samplers
// add the noise that the options say.
func (p *Pipeline) Study(ctx context.Context, o Options) (*Study, error) {
	if err := p.Model.Require("a study", AllParts); err != nil {
		return nil, err
	}
	r, err := o.resolve(p.Model)
	if err != nil {
		return nil, err
	}
	if r.batch != 1 || o.Image != nil {
		return nil, errors.New("sdxl: a study is of one picture from a text, want a batch of 1 and no image")
	}
	s := &Study{pipe: p, r: r}
	// Its model times lie between the training steps where sigmas do.
	if s.times, err = p.Model.Scheduler.New(sched.Overrides{Sampler: "euler", Dialect: o.Dialect}, r.steps); err != nil {
		return nil, err
	}
	c, err := p.encodeConditions(ctx, &r, r.steps)
	if err != nil {
		return nil, err
	}
	c.prediction = s.times.Prediction
	v := p.Model.VAE.Config
	s.shape = tensor.Shape{1, v.LatentChannels, r.Height / v.Scale(), r.Width / v.Scale()}
	if s.d, err = p.newDenoiser(ctx, 1, s.shape[2], s.shape[3], c, s.guide(s.times.Sigmas), &s.r); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Study) guide(sigmas []float64) *guidance.Run[float32] {
	return guidance.NewRun[float32](s.r.Guidance, s.r.cfg, sigmas, 1)
}

// Start returns the first noise of the seed, of deviation 1.
func (s *Study) Start() []float32 {
	x := make([]float32, s.shape.NumElements())
	s.r.noise(false, nil).Normal(x)
	return x
}

// Sigmas returns the noise levels of a named schedule: from the highest that
// the model was trained with to the lowest and 0, the same for every sampler.
func (s *Study) Sigmas(schedule string, steps int) ([]float64, error) {
	full, err := s.pipe.Model.Scheduler.New(sched.Overrides{Sampler: "euler", Schedule: schedule, Spacing: "linspace", Dialect: s.r.Dialect}, steps)
	if err != nil {
		return nil, err
	}
	return full.Sigmas, nil
}

// Run moves latents x = x0 + sigmas[0] noise along noise levels, in place.
func (s *Study) Run(ctx context.Context, sampler sched.Sampler, x []float32, sigmas []float64) error {
	if len(x) != s.shape.NumElements() || len(sigmas) < 2 {
		return fmt.Errorf("sdxl: %d latents and %d sigmas, want %d and at least 2", len(x), len(sigmas), s.shape.NumElements())
	}
	noise := s.r.noise(false, sigmas)
	noise.Normal(make([]float32, len(x))) // past Start
	s.d.guide, s.d.unet.calls = s.guide(sigmas), 0
	run := sched.Run[float32]{
		X: x, Sigmas: sigmas, Noise: noise, FirstOrderLast: sigmas[len(sigmas)-1] == 0, Levels: s.times.Levels,
		Denoise: func(ctx context.Context, denoised, x []float32, sigma float64) error {
			return s.d.denoise(ctx, denoised, x, sigma, s.times.Time(sigma), sched.StepAt(sigmas, sigma))
		},
	}
	s.r.Noising.tell(&run)
	sampler.Keep(&run) // several samplers share the options of a study
	return sampler.F32(ctx, &run)
}

// Decode turns latents into a picture.
func (s *Study) Decode(ctx context.Context, x []float32) (*image.NRGBA, error) {
	t, err := tensor.FromSlice(x, s.shape...)
	if err != nil {
		return nil, err
	}
	img, err := s.pipe.decode(ctx, t)
	if err != nil {
		return nil, err
	}
	return toImages(img)[0], nil
}

// Close frees the compiled network.
func (s *Study) Close() error { return s.d.close() }
