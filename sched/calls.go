package sched

import (
	"context"
	"errors"
)

// errCounted ends a run that is only counted.
var errCounted = errors.New("counted")

// Calls returns how often a run calls Denoise, or most+1 if that is more than
// most. It runs the sampler on a single number. What dpm_adaptive does depends
// on the picture: its count is that of a simple one.
func (s Sampler) Calls(ctx context.Context, run *Run[float32], most int) (int, error) {
	r, calls := *run, 0
	r.X, r.Noise, r.OnStep = []float32{float32(run.Sigmas[0])}, silence{}, nil
	r.Denoise = func(_ context.Context, denoised, x []float32, sigma float64) error {
		if calls++; calls > most {
			return errCounted
		}
		for i := range x {
			denoised[i] = x[i] / float32(1+sigma*sigma) // of pictures that are noise of level 1
		}
		return nil
	}
	if err := s.F32(ctx, &r); err != nil && !errors.Is(err, errCounted) {
		return 0, err
	}
	return calls, nil
}

// silence is noise that is none.
type silence struct{}

func (silence) Normal(dst []float32) { clear(dst) }
