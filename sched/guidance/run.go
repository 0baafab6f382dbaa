package guidance

import (
	"math"

	"github.com/df65613c/easel/sched"
)

// Run guides one run of a sampler.
type Run[T sched.Float] struct {
	settings Settings
	scale    float64
	sigmas   []float64
	guides   []Guide[T] // one a picture
}

// NewRun begins a run of a number of pictures along noise levels. Settings and scale
// must be valid.
func NewRun[T sched.Float](s Settings, scale float64, sigmas []float64, pictures int) *Run[T] {
	r := &Run[T]{s, scale, sigmas, make([]Guide[T], pictures)}
	for i := range r.guides {
		r.guides[i] = New[T](s)
	}
	return r
}

// New composes the guide that settings ask for. It is for one picture.
func New[T sched.Float](s Settings) Guide[T] {
	g := Guide[T](CFG[T])
	if s.Method == MethodAPG {
		a := DefaultAPG()
		if s.APG != nil {
			a = *s.APG
		}
		g = NewAPG[T](a)
	}
	if s.Rescale > 0 {
		g = Rescale(s.Rescale, g)
	}
	if s.Mimic > 0 {
		percentile := s.Threshold
		if percentile == 0 {
			percentile = 1
		}
		return Mimic(s.Mimic, percentile, g)
	}
	if s.Threshold > 0 {
		g = Threshold(s.Threshold, g)
	}
	return g
}

// Guide writes the guided output of one picture.
func (r *Run[T]) Guide(picture int, dst []T, s *Sides[T]) { r.guides[picture](dst, s) }

// Rests reports whether some steps use the positive side alone.
func (r *Run[T]) Rests() bool {
	for _, sigma := range r.sigmas[:len(r.sigmas)-1] {
		if r.Scale(sigma) == 1 {
			return true
		}
	}
	return false
}

// Scale returns the scale at a noise level; 1 is the positive side alone.
func (r *Run[T]) Scale(sigma float64) float64 {
	s, steps := r.settings, len(r.sigmas)-1
	step := sched.StepAt(r.sigmas, sigma)
	if v := s.Interval; v != nil && (step < int(v[0]*float64(steps)) || step >= int(v[1]*float64(steps))) {
		return 1
	}
	if v := s.Sigmas; v != nil && !(sigma > v[0] && sigma <= v[1]) {
		return 1
	}
	if s.Method == MethodCFGPP {
		return plusPlus(r.scale, sigma, r.sigmas[step+1])
	}
	progress := 0.0
	if steps > 1 {
		progress = float64(step) / float64(steps-1)
	}
	return max(s.scaleAt(r.scale, progress), 1)
}

// scaleAt returns the scale at a share of the run, 0 at the first step and 1 at the last.
func (s Settings) scaleAt(scale, progress float64) float64 {
	if n := len(s.Scales); n > 0 {
		at := progress * float64(n-1)
		i := min(int(at), max(n-2, 0))
		return s.Scales[i] + (at-float64(i))*(s.Scales[min(i+1, n-1)]-s.Scales[i])
	}
	switch s.Schedule {
	case Linear:
		return 1 + (scale-1)*2*progress
	case Cosine:
		return 1 + (scale-1)*(1-math.Cos(math.Pi*progress))
	}
	return scale
}

// plusPlus is the scale with which a step of first order, of Euler or DDIM, is
// that of CFG++ (Chung et al. 2024, algorithm 2): to the guided estimate, with
// the noise that the negative side sees, x' = D + (x - D_negative) to/from.
func plusPlus(scale, from, to float64) float64 {
	if to >= from { // past the last step
		return scale
	}
	return scale * from / (from - to)
}
