package sched

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Float is the arithmetic that a sampler runs in.
type Float interface{ ~float32 | ~float64 }

// Denoise estimates x0 from x = x0 + sigma noise. It must not keep or change x.
type Denoise[T Float] func(ctx context.Context, denoised, x []T, sigma float64) error

// Run is what a sampler works on.
type Run[T Float] struct {
	X       []T       // x0 + Sigmas[0] noise; the sampler leaves its result here
	Sigmas  []float64 // noise levels, from high to low; only the last may be 0
	Denoise Denoise[T]
	Noise   Noise // for samplers that add noise, nil for others
	// Eta is the share, 0 to 1, of the removed noise that an ancestral or SDE
	// step adds again; nil is the sampler's own: 0 for DDIM, DPM fast and DPM
	// adaptive, 0.3 for TCD, 1 for the others. It is TCD's gamma and SA-Solver's
	// tau.
	Eta    *float64
	SNoise *float64 // what all added noise is multiplied by; nil is 1
	Churn  Churn    // for Euler, Heun and DPM2
	// Restart is where restart sampling goes back up; nil is from 0.1 to 2.
	Restart *Restart
	// Order is the highest order of a multistep sampler, 1 to 3; 0 is its own.
	Order int
	// Levels are the model's noise levels at its training timesteps, from low to
	// high, for TCD and SA-Solver; nil is SDXL's.
	Levels []float64
	// Timesteps are the times given to the model at each of Sigmas but the last,
	// for samplers that need them; nil derives them from Levels.
	Timesteps []float64
	// First is how many steps of its schedule the run skips at the start, and
	// Whole is all noise levels of that schedule; nil is Sigmas. Samplers with
	// special first or last steps count by them.
	First int
	Whole []float64
	// Batch is how many pictures X holds, for samplers that limit estimates of x0
	// by a picture's own range; 0 is 1.
	Batch int
	// FirstOrderLast asks a multistep sampler to end with a step of first order.
	FirstOrderLast bool
	// OnStep, if not nil, is called after each step with the state and the
	// estimate of x0 that led to it. An error ends the run.
	OnStep func(step int, x, denoised []T) error

	limit limit // of estimates of x0
}

// NewRun returns a run of x, which holds a batch of pictures, along a schedule.
// Denoise and Noise are for the caller to set.
func NewRun[T Float](s *Schedule, x []T, batch int) *Run[T] {
	return &Run[T]{
		X: x, Sigmas: s.Sigmas, Timesteps: s.Timesteps, First: s.first, Whole: s.whole, Batch: batch,
		FirstOrderLast: s.FirstOrderLast, Levels: s.Levels,
	}
}

// Churn raises the noise level before a step, and adds the noise for it (Karras
// et al. 2022, algorithm 2). The zero value adds none.
type Churn struct {
	Amount float64 `json:"amount"`        // S_churn: over all steps, at most sqrt(2)-1 of the level in each
	Min    float64 `json:"min,omitempty"` // of the noise levels that are raised
	Max    float64 `json:"max,omitempty"` // 0 is no limit
}

// rounding is by how much the last sigma may exceed the one before, where a
// schedule comes down to its lowest twice, by way of float32.
const rounding = 1e-5

// check names every fault of the run.
func (r *Run[T]) check() error {
	var errs []error
	if r.Denoise == nil {
		errs = append(errs, errors.New("sched: Denoise is nil"))
	}
	errs = append(errs, checkSigmas(r.Sigmas))
	for _, v := range []struct {
		name string
		is   float64
		most float64
	}{{"Eta", r.eta(0), 1}, {"SNoise", r.sNoise(), math.MaxFloat32}, {"Churn.Amount", r.Churn.Amount, math.MaxFloat32},
		{"Churn.Min", r.Churn.Min, math.MaxFloat32}, {"Churn.Max", r.Churn.Max, math.MaxFloat32}} {
		if !(v.is >= 0 && v.is <= v.most) {
			errs = append(errs, fmt.Errorf("sched: %s is %g, want 0 to %g", v.name, v.is, v.most))
		}
	}
	errs = append(errs, r.Restart.Check())
	if r.Timesteps != nil && len(r.Timesteps) != len(r.Sigmas)-1 {
		errs = append(errs, fmt.Errorf("sched: %d Timesteps, want one less than the %d Sigmas", len(r.Timesteps), len(r.Sigmas)))
	}
	if r.Order < 0 || r.Order > MaxOrder {
		errs = append(errs, fmt.Errorf("sched: Order is %d, want 1 to %d, or 0 for the sampler's own", r.Order, MaxOrder))
	}
	return errors.Join(errs...)
}

// MaxOrder is the highest order that a run can ask for.
const MaxOrder = 3

// whole returns all levels of the schedule.
func (r *Run[T]) whole() []float64 {
	if r.Whole == nil {
		return r.Sigmas
	}
	return r.Whole
}

// total returns how many steps the whole schedule has.
func (r *Run[T]) total() int { return len(r.whole()) - 1 }

// atMost returns Order, or a sampler's own, and no more than it can.
func (r *Run[T]) atMost(own, most int) int {
	if r.Order > 0 {
		own = r.Order
	}
	return min(own, most)
}

// jump takes latents of variance-preserving space for those of another level.
func (r *Run[T]) jump(from, to float64) {
	if from == to {
		return
	}
	f := T(math.Sqrt((1 + to*to) / (1 + from*from)))
	for j := range r.X {
		r.X[j] *= f
	}
}

// within returns whether a step is of a timestep from low to high.
func (r *Run[T]) within(low, high float64) func(step int) bool {
	if r.Timesteps != nil {
		return func(step int) bool { return r.Timesteps[step] >= low && r.Timesteps[step] <= high }
	}
	levels := r.levels()
	from, to := levels[min(int(low), len(levels)-1)]*(1-rounding), levels[min(int(high), len(levels)-1)]*(1+rounding)
	return func(step int) bool { return r.Sigmas[step] >= from && r.Sigmas[step] <= to }
}

// checkSigmas names every fault of noise levels.
func checkSigmas(sigmas []float64) error {
	var errs []error
	if len(sigmas) < 2 {
		errs = append(errs, fmt.Errorf("sched: %d sigmas, want at least 2", len(sigmas)))
	}
	for i, s := range sigmas {
		if !(s >= 0) || math.IsInf(s, 0) {
			errs = append(errs, fmt.Errorf("sched: sigma %d is %g, want a number of 0 or more", i, s))
		} else if s == 0 && i < len(sigmas)-1 {
			errs = append(errs, fmt.Errorf("sched: sigma %d of %d is 0, want that only of the last", i, len(sigmas)))
		} else if i > 0 && s > sigmas[i-1]*(1+rounding) {
			errs = append(errs, fmt.Errorf("sched: sigma %d is %g after %g, want no more", i, s, sigmas[i-1]))
		}
	}
	return errors.Join(errs...)
}

// ErrNoNoise is the error of samplers that add noise and have none.
var ErrNoNoise = errors.New("sched: Noise is nil, and this sampler adds noise")

// ErrNotFinite is wrapped by the error of a run whose denoiser returned NaN or
// infinity: its numbers became too large, or its weights are damaged.
var ErrNotFinite = errors.New("NaN or Inf")

// eta returns Eta, or a sampler's own.
func (r *Run[T]) eta(own float64) float64 {
	if r.Eta == nil {
		return own
	}
	return *r.Eta
}

func (r *Run[T]) sNoise() float64 {
	if r.SNoise == nil {
		return 1
	}
	return *r.SNoise
}

// needsNoise is the error of a run without Noise in which eta is not 0.
func (r *Run[T]) needsNoise(eta float64) error {
	if r.Noise == nil && eta != 0 {
		return ErrNoNoise
	}
	return nil
}

// steps calls the denoiser once a step and advance with what it gave.
func (r *Run[T]) steps(ctx context.Context, advance func(i int, denoised []T)) error {
	return r.evaluations(ctx, func(i int, denoised []T) error {
		advance(i, denoised)
		return nil
	})
}

// evaluations calls the denoiser at the start of each step and advance with what it
// gave; advance may evaluate at other points.
func (r *Run[T]) evaluations(ctx context.Context, advance func(i int, denoised []T) error) error {
	if err := r.check(); err != nil {
		return err
	}
	denoised := make([]T, len(r.X))
	for i := range len(r.Sigmas) - 1 {
		if err := r.evaluate(ctx, denoised, r.X, r.Sigmas[i], i); err != nil {
			return err
		}
		if err := advance(i, denoised); err != nil {
			return err
		}
		if r.OnStep != nil {
			if err := r.OnStep(i, r.X, denoised); err != nil {
				return err
			}
		}
	}
	return nil
}

// evaluate calls the denoiser and checks what it gives.
func (r *Run[T]) evaluate(ctx context.Context, denoised, x []T, sigma float64, step int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.Denoise(ctx, denoised, x, sigma); err != nil {
		return err
	}
	if slices.ContainsFunc(denoised, func(v T) bool { return v-v != 0 }) {
		return fmt.Errorf("sched: the denoiser gave %w at step %d, sigma %g", ErrNotFinite, step, sigma)
	}
	if !r.limit.none() {
		bound(r.limit, denoised, r.Batch)
	}
	return nil
}

// eulerStep goes from one noise level to another along the slope at the first. It
// divides before it multiplies, as the references do: from a level of thousands to 0
// their float32 leaves some of the noise.
func (r *Run[T]) eulerStep(denoised []T, from, to float64) {
	level, dt := T(from), T(to-from)
	for j, x := range r.X {
		r.X[j] = x + T((x-denoised[j])/level)*dt
	}
}

// descend keeps a share of the noise in X. From a level far above the next it
// loses less to rounding than eulerStep.
func (r *Run[T]) descend(denoised []T, share float64) {
	for j, x := range r.X {
		r.X[j] = denoised[j] + (x-denoised[j])*T(share)
	}
}

// checkLevels names what is wrong with Levels, for samplers that need them.
func (r *Run[T]) checkLevels() error {
	if r.Levels == nil || len(r.Levels) > 1 && slices.IsSorted(r.Levels) && r.Levels[0] >= 0 {
		return nil
	}
	return fmt.Errorf("sched: %d Levels, want 2 or more, from low to high", len(r.Levels))
}

// levels returns Levels, or SDXL's.
func (r *Run[T]) levels() []float64 {
	if r.Levels == nil {
		return sdxlTraining().exact
	}
	return r.Levels
}

// ErrNoTimesteps is the error of samplers that need training timesteps and have
// none.
var ErrNoTimesteps = errors.New("sched: Timesteps is nil, and this sampler goes by them; make the run with NewRun")
