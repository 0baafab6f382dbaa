package sched

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
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
	// Eta is how much of the noise that an ancestral or SDE step takes away it
	// adds anew, 0 to 1; nil is the sampler's own: 0 for DDIM, DPM fast and DPM
	// adaptive, 0.3 for TCD, 1 for the others. It is TCD's gamma and SA-Solver's tau.
	Eta    *float64
	SNoise *float64 // what all added noise is multiplied with; nil is 1
	Churn  Churn    // for Euler, Heun and DPM2
	// Restart is where restart sampling goes back up; nil is from 0.1 to 2.
	Restart *Restart
	// Order is the most that UniPC and DEIS rise to, 1 to 3; 0 is 3.
	Order int
	// Levels are the model's noise levels at its training timesteps, from low to
	// high, for TCD and SA-Solver; nil is SDXL's.
	Levels []float64
	// FirstOrderLast asks a multistep sampler to end with a step of first order.
	FirstOrderLast bool
	// OnStep, if not nil, is called after each step with the state and the
	// estimate of x0 that led to it. An error ends the run.
	OnStep func(step int, x, denoised []T) error
}

// Churn raises the noise level before a step, and adds the noise for it (Karras
// et al. 2022, algorithm 2). The zero value does not.
type Churn struct {
	Amount float64 `json:"amount"`        // S_churn: over all steps, at most sqrt(2)-1 of the level in each
	Min    float64 `json:"min,omitempty"` // of the noise levels that are raised
	Max    float64 `json:"max,omitempty"` // 0 is no limit
}

// Sampler is a way from noise to x0 under a name.
type Sampler struct {
	Name string
	F32  func(context.Context, *Run[float32]) error
	F64  func(context.Context, *Run[float64]) error
}

var samplers = []Sampler{
	{"euler", Euler[float32], Euler[float64]},
	{"euler_a", EulerAncestral[float32], EulerAncestral[float64]},
	{"dpmpp_2m", DPMPP2M[float32], DPMPP2M[float64]},
	{"heun", Heun[float32], Heun[float64]},
	{"dpm_2", DPM2[float32], DPM2[float64]},
	{"dpm_2_a", DPM2Ancestral[float32], DPM2Ancestral[float64]},
	{"dpmpp_2s_a", DPMPP2SAncestral[float32], DPMPP2SAncestral[float64]},
	{"lms", LMS[float32], LMS[float64]},
	{"dpmpp_sde", DPMPPSDE[float32], DPMPPSDE[float64]},
	{"dpmpp_2m_sde", DPMPP2MSDE[float32], DPMPP2MSDE[float64]},
	{"dpmpp_2m_sde_heun", DPMPP2MSDEHeun[float32], DPMPP2MSDEHeun[float64]},
	{"dpmpp_3m_sde", DPMPP3MSDE[float32], DPMPP3MSDE[float64]},
	{"res_multistep", RESMultistep[float32], RESMultistep[float64]},
	{"uni_pc", UniPCBH1[float32], UniPCBH1[float64]},
	{"uni_pc_bh2", UniPCBH2[float32], UniPCBH2[float64]},
	{"ddim", DDIM[float32], DDIM[float64]},
	{"dpm_fast", DPMFast[float32], DPMFast[float64]},
	{"dpm_adaptive", DPMAdaptive[float32], DPMAdaptive[float64]},
	{"ipndm", IPNDM[float32], IPNDM[float64]},
	{"ipndm_v", LMS[float32], LMS[float64]}, // of variable step, the two are one
	{"plms", PLMS[float32], PLMS[float64]},
	{"deis", DEIS[float32], DEIS[float64]},
	{"sa_solver", SASolver[float32], SASolver[float64]},
	{"restart", RestartHeun[float32], RestartHeun[float64]},
	{"exp_rk4", ExponentialRK4[float32], ExponentialRK4[float64]},
	{"lcm", LCM[float32], LCM[float64]},
	{"tcd", TCD[float32], TCD[float64]},
}

// aliases are the names of Stability's v1 API. In the samplers' space, x0 +
// sigma noise, DDPM's step, of the smaller of its two variances, is the ancestral one.
var aliases = map[string]string{
	"DDIM": "ddim", "DDPM": "euler_a", "K_EULER": "euler", "K_EULER_ANCESTRAL": "euler_a", "K_DPMPP_2M": "dpmpp_2m", "K_HEUN": "heun",
	"K_DPM_2": "dpm_2", "K_DPM_2_ANCESTRAL": "dpm_2_a", "K_DPMPP_2S_ANCESTRAL": "dpmpp_2s_a", "K_LMS": "lms",
}

// SamplerAliases lists the other names that SamplerNamed knows, sorted.
func SamplerAliases() []string { return slices.Sorted(maps.Keys(aliases)) }

// SamplerNames lists the samplers.
func SamplerNames() []string {
	names := make([]string, len(samplers))
	for i, s := range samplers {
		names[i] = s.Name
	}
	return names
}

// SamplerNamed finds a sampler by its name or alias.
func SamplerNamed(name string) (Sampler, error) {
	asked := name
	if n, ok := aliases[name]; ok {
		name = n
	}
	i := slices.IndexFunc(samplers, func(s Sampler) bool { return s.Name == name })
	if i < 0 {
		return Sampler{}, fmt.Errorf("sched: no sampler %q; there are %s", asked, strings.Join(append(SamplerNames(), SamplerAliases()...), ", "))
	}
	return samplers[i], nil
}

// rounding is by how much the last sigma may exceed the one before, where a
// schedule comes down to its lowest twice, by way of float32.
const rounding = 1e-6

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
	}{{"Eta", r.eta(0), 1}, {"SNoise", r.sNoise(), math.MaxFloat32}, {"Churn.Amount", r.Churn.Amount, math.MaxFloat32}, {"Churn.Min", r.Churn.Min, math.MaxFloat32}, {"Churn.Max", r.Churn.Max, math.MaxFloat32}} {
		if !(v.is >= 0 && v.is <= v.most) {
			errs = append(errs, fmt.Errorf("sched: %s is %g, want 0 to %g", v.name, v.is, v.most))
		}
	}
	errs = append(errs, r.Restart.Check())
	if r.Levels != nil && (len(r.Levels) < 2 || !slices.IsSorted(r.Levels) || !(r.Levels[0] >= 0)) {
		errs = append(errs, fmt.Errorf("sched: %d Levels, want 2 or more, from low to high", len(r.Levels)))
	}
	if r.Order < 0 || r.Order > MaxOrder {
		errs = append(errs, fmt.Errorf("sched: Order is %d, want 1 to %d, or 0 for the sampler's own", r.Order, MaxOrder))
	}
	return errors.Join(errs...)
}

// MaxOrder is the highest order that a run can ask for.
const MaxOrder = 3

// order returns Order, or a sampler's own. One that check refuses is never used.
func (r *Run[T]) order(own int) int {
	if r.Order < 1 || r.Order > own {
		return own
	}
	return r.Order
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

// ErrNotFinite is in the error of a run whose denoiser gave no numbers: those it
// works with are too large, or its weights are broken.
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
	return nil
}

// eulerStep goes from one noise level to another along the slope at the first.
func (r *Run[T]) eulerStep(denoised []T, from, to float64) {
	f := T((to - from) / from)
	for j, x := range r.X {
		r.X[j] = x + (x-denoised[j])*f
	}
}
