package lab

import (
	"context"
	"image"

	"github.com/df65613c/easel/sched"
)

// Model is what samplers are tried on, such as an sdxl.Study.
type Model interface {
	// Start returns the first noise, of deviation 1.
	Start() []float32
	// Sigmas returns the noise levels of a named schedule.
	Sigmas(schedule string, steps int) ([]float64, error)
	// Run moves x along noise levels, in place.
	Run(ctx context.Context, s sched.Sampler, x []float32, sigmas []float64) error
	// Decode turns a result into a picture.
	Decode(ctx context.Context, x []float32) (*image.NRGBA, error)
}

// start returns the model's noise at a noise level.
func start(m Model, sigma float64) []float32 {
	x := m.Start()
	for i := range x {
		x[i] *= float32(sigma)
	}
	return x
}

// hooked returns the sampler with a change to each run before it.
func hooked(s sched.Sampler, change func(*sched.Run[float32])) sched.Sampler {
	inner := s.F32
	s.F32 = func(ctx context.Context, r *sched.Run[float32]) error {
		change(r)
		return inner(ctx, r)
	}
	return s
}

// WithOrder returns a sampler that rises to an order at most; see sched.Run.
func WithOrder(s sched.Sampler, order int) sched.Sampler {
	double := s.F64
	s = hooked(s, func(r *sched.Run[float32]) { r.Order = order })
	s.F64 = func(ctx context.Context, r *sched.Run[float64]) error {
		r.Order = order
		return double(ctx, r)
	}
	return s
}

// counted counts a sampler's calls of the denoiser.
func counted(s sched.Sampler, calls *int) sched.Sampler {
	return hooked(s, func(r *sched.Run[float32]) {
		denoise := r.Denoise
		r.Denoise = func(ctx context.Context, denoised, x []float32, sigma float64) error {
			*calls++
			return denoise(ctx, denoised, x, sigma)
		}
	})
}

// toy is the denoiser of a point at 0.
func toy(_ context.Context, denoised, _ []float32, _ float64) error {
	clear(denoised)
	return nil
}

// drawCounter counts draws of a source of noise, which may be nil.
type drawCounter struct {
	sched.Noise
	draws *int
}

func (d drawCounter) Normal(dst []float32) {
	*d.draws++
	if d.Noise != nil {
		d.Noise.Normal(dst)
	}
}

// Between implements sched.StepNoise.
func (d drawCounter) Between(dst []float32, from, to float64) {
	*d.draws++
	if d.Noise != nil {
		sched.Draw(d.Noise, dst, from, to)
	}
}

// watched counts a sampler's draws of noise, which depend on the model's options too.
func watched(s sched.Sampler, draws *int) sched.Sampler {
	return hooked(s, func(r *sched.Run[float32]) { r.Noise = drawCounter{r.Noise, draws} })
}

// plain runs a sampler as it is, whatever noise the model's options add.
func plain(s sched.Sampler) sched.Sampler {
	return hooked(s, func(r *sched.Run[float32]) {
		r.Eta, r.SNoise, r.Churn, r.Restart, r.Order = nil, nil, sched.Churn{}, nil, 0
	})
}

// callsOf counts the calls of a run without a model.
func callsOf(ctx context.Context, s sched.Sampler, sigmas []float64) (calls int, err error) {
	err = counted(s, &calls).F32(ctx,
		&sched.Run[float32]{X: []float32{1}, Sigmas: sigmas, Denoise: toy, Noise: drawCounter{draws: new(int)}, FirstOrderLast: true})
	return calls, err
}

// AddsNoise tells whether a sampler adds noise: it approaches a distribution
// then, and not the solution of an ODE.
func AddsNoise(ctx context.Context, s sched.Sampler) bool {
	draws := 0
	err := s.F32(ctx, &sched.Run[float32]{X: []float32{1}, Sigmas: []float64{4, 2, 0.5, 0.1, 0}, Denoise: toy,
		Noise: drawCounter{draws: &draws}})
	return err == nil && draws > 0
}
