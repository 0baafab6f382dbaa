package exact

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/df65613c/easel/sched"
)

// ErrDraws is the error of a sampler whose draws are not one a step.
var ErrDraws = errors.New("want one draw of noise a step")

// ConvergeStrong gives the strong error of a sampler that draws noise once a step:
// the root mean square, over starts and Brownian motions, of how far a run ends from
// one of fine steps along the same motion. A step draws the increment of the motion
// between its noise levels over its deviation, as k-diffusion's Brownian tree has
// it, so a coarse draw is a weighted sum of fine ones. As in ConvergeWeak there is
// no chance in it.
func ConvergeStrong(ctx context.Context, s sched.Sampler, g Gaussian, from, to float64, fine int, steps ...int) ([]Point, error) {
	levels, err := logSteps(from, to, fine)
	if err != nil {
		return nil, err
	}
	want, err := g.respond(ctx, s, levels)
	if err != nil {
		return nil, err
	}
	points := make([]Point, len(steps))
	for k, n := range steps {
		if n < 1 || fine%n != 0 {
			return nil, fmt.Errorf("exact: %d steps, want a divisor of the finest, %d", n, fine)
		}
		sigmas, err := logSteps(from, to, n)
		if err != nil {
			return nil, err
		}
		got, err := g.respond(ctx, s, sigmas)
		if err != nil {
			return nil, fmt.Errorf("exact: %s in %d steps: %w", s.Name, n, err)
		}
		if len(got.draws) != n || len(want.draws) != fine {
			return nil, fmt.Errorf("exact: %s draws noise %d times in %d steps: %w", s.Name, len(got.draws), n, ErrDraws)
		}
		sum := 0.0
		for i, c := range g.Deviation {
			start := got.start[i] - want.start[i]
			mean := got.rest[i] - want.rest[i] + start*g.Mean[i]
			sum += mean*mean + start*start*(c*c+from*from)
			for j, d := range want.draws {
				at := j * n / fine
				share := math.Sqrt((levels[j] - levels[j+1]) / (sigmas[at] - sigmas[at+1]))
				e := got.draws[at][i]*share - d[i]
				sum += e * e
			}
		}
		points[k] = Point{n, got.calls, math.Sqrt(sum / float64(len(g.Mean)))}
	}
	return points, nil
}
