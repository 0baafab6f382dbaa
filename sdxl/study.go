package sdxl

import (
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// Study is the denoiser of one picture, with its prompts encoded and its
// network compiled, for samplers that are run by hand. Close frees it.
type Study struct {
	pipe  *Pipeline
	d     *Denoiser
	noise *replayedNoise
	shape tensor.Shape // of latents
}

// Study prepares to sample the picture that options describe, one picture from
// a text. Their sampler, schedule and steps are not used; samplers that are run
// add noise as the options say.
func (p *Pipeline) Study(ctx context.Context, o Options) (*Study, error) {
	if o.batch() != 1 || o.Image != nil {
		return nil, errors.New("sdxl: a study is of one picture from a text, want a batch of 1 and no image")
	}
	// Euler's model times lie between the training steps where sigmas do.
	steps := o.steps()
	o.Sampler, o.Custom, o.Schedule, o.Spacing, o.Sigmas, o.Steps, o.SkipEnd = "euler", nil, "", "", nil, &steps, 0
	o.MostCalls = 0
	c, err := p.Encode(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Study{pipe: p, shape: c.latents()}
	if o.NoiseFrom != nil {
		s.noise = &replayedNoise{from: o.NoiseFrom}
	}
	if s.d, err = p.Denoiser(ctx, c); err != nil {
		return nil, err
	}
	return s, nil
}

// Start returns the first noise of the seed, of deviation 1.
func (s *Study) Start() []float32 {
	x := make([]float32, s.shape.NumElements())
	s.source(nil).Normal(x)
	s.d.vary(x, s.shape[1], s.shape[2], s.shape[3])
	return x
}

// source returns the noise of a run from its start: that of the seed, or the
// draws of the source that was given, again from the first.
func (s *Study) source(sigmas []float64) sched.Noise {
	if s.noise == nil {
		return s.d.noise(false, sigmas)
	}
	return tapped(s.noise.again(), s.d.OnNoise)
}

// Sigmas returns the noise levels of a named schedule: from the highest that
// the model was trained with to the lowest and 0, the same for every sampler.
func (s *Study) Sigmas(schedule string, steps int) ([]float64, error) {
	full, err := s.pipe.model.Scheduler.New(sched.Overrides{Sampler: "euler", Schedule: schedule, Spacing: "linspace",
		Dialect: s.d.Dialect}, steps)
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
	noise := s.source(sigmas)
	noise.Normal(make([]float32, len(x))) // past Start
	s.d.restart(sigmas)
	run := sched.Run[float32]{
		X: x, Sigmas: sigmas, Noise: noise, FirstOrderLast: sigmas[len(sigmas)-1] == 0, Levels: s.d.schedule.Levels,
		Denoise: func(ctx context.Context, denoised, x []float32, sigma float64) error {
			s.d.Step(sched.StepAt(sigmas, sigma))
			return s.d.Denoise(ctx, denoised, x, sigma)
		},
	}
	s.d.Noising.tell(&run)
	sampler.Keep(&run) // several samplers share the options of a study
	if err := sampler.F32(ctx, &run); err != nil {
		return err
	}
	return s.d.noiseFault()
}

// Decode turns latents into a picture.
func (s *Study) Decode(ctx context.Context, x []float32) (*image.NRGBA, error) {
	t, err := tensor.FromSlice(x, s.shape...)
	if err != nil {
		return nil, err
	}
	img, err := s.pipe.decode(ctx, t, s.d.bytes())
	if err != nil {
		return nil, err
	}
	return toImages(img, s.d.schedule.Dialect)[0], nil
}

// Close frees the compiled network.
func (s *Study) Close() error { return s.d.Close() }
