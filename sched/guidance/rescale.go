package guidance

import (
	"math"

	"github.com/df65613c/easel/sched"
)

// Rescale scales what a guide gives towards the standard deviation of the
// positive side, by a share phi from 0 to 1 (Lin et al. 2023, section 3.4).
func Rescale[T sched.Float](phi float64, guide Guide[T]) Guide[T] {
	return func(dst []T, s *Sides[T]) {
		guide(dst, s)
		guided := deviation(dst)
		if guided == 0 {
			return
		}
		f := T(phi*deviation(s.Positive)/guided + 1 - phi)
		for i := range dst {
			dst[i] *= f
		}
	}
}

// deviation is the sample's standard deviation.
func deviation[T sched.Float](v []T) float64 {
	if len(v) < 2 {
		return 0
	}
	m, sum := mean(v), 0.0
	for _, x := range v {
		sum += (float64(x) - m) * (float64(x) - m)
	}
	return math.Sqrt(sum / float64(len(v)-1))
}

func mean[T sched.Float](v []T) float64 {
	sum := 0.0
	for _, x := range v {
		sum += float64(x)
	}
	return sum / float64(len(v))
}
