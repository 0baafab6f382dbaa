package guidance

import (
	"math"

	"github.com/df65613c/easel/sched"
)

// APG is adaptive projected guidance (Sadat et al. 2024): in the guidance
// update (positive minus negative) the component parallel to the positive
// estimate, which makes colours too strong, is scaled down, the norm is
// limited, and updates of earlier steps are added with a factor that is mostly
// negative.
type APG struct {
	Eta      float64 `json:"eta"`      // factor of the component parallel to the positive estimate; 1 leaves it
	Norm     float64 `json:"norm"`     // largest norm of the guidance update, over a whole picture; 0 is no limit
	Momentum float64 `json:"momentum"` // of the updates of earlier steps; below 0 pushes away from them
	// OnOutput applies it to the network's output, as diffusers' guiders do; else
	// it works on estimates of x0, as the paper does.
	OnOutput bool `json:"on_output,omitempty"`
}

// DefaultAPG returns the paper's values for SDXL.
func DefaultAPG() APG { return APG{Eta: 0, Norm: 15, Momentum: -0.5} }

// NewAPG returns a guide that remembers the steps of one picture.
func NewAPG[T sched.Float](a APG) Guide[T] {
	var average, positive []T
	return func(dst []T, s *Sides[T]) {
		if average == nil {
			average, positive = make([]T, len(dst)), make([]T, len(dst))
		}
		copy(positive, s.Positive)
		copy(dst, s.Negative)
		if !a.OnOutput {
			s.estimate(positive)
			s.estimate(dst)
		}
		var sum, along, norm float64
		for i, p := range positive {
			d := p - dst[i] + T(a.Momentum)*average[i]
			average[i] = d
			sum += float64(d) * float64(d)
			along += float64(d) * float64(p)
			norm += float64(p) * float64(p)
		}
		bound := 1.0
		if size := math.Sqrt(sum); a.Norm > 0 && size > a.Norm {
			bound = a.Norm / size
		}
		cut := 0.0 // of the positive estimate, for each unit of what the prompt adds
		if norm > 0 {
			cut = (1 - a.Eta) * along / norm
		}
		f, g := T(s.Scale*bound), T(cut)
		for i, u := range dst {
			dst[i] = u + f*(average[i]-g*positive[i])
		}
		if !a.OnOutput {
			s.output(dst)
		}
	}
}
