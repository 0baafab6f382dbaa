package sdxl

import (
	"fmt"
	"slices"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/vae"
	"github.com/df65613c/easel/tensor"
)

// Keys whose presence in a single file marks how the model was trained.
const (
	vPredictionKey  = "v_pred"
	zeroTerminalKey = "ztsnr"
	edmMeanKey      = "edm_mean" // of the VAE's latents, per channel, in Playground v2.5
	edmStdKey       = "edm_std"
	edmMinKey       = "edm_vpred.sigma_min" // CosXL's lowest and highest noise level
	edmMaxKey       = "edm_vpred.sigma_max"
)

// edmScale is the scaling factor of latents that edm_mean and edm_std belong to.
const edmScale = 0.5

// marked reports whether a file has markers.
func marked(f checkpoint.Source) bool {
	return slices.ContainsFunc([]string{vPredictionKey, zeroTerminalKey, edmMeanKey, edmMaxKey},
		func(key string) bool { _, ok := f.Info(key); return ok })
}

// readMarkers changes what the markers of a single file say of noise levels, of the
// network's output and of latents.
func (m *Model) readMarkers(f checkpoint.Source, vae *vae.Config) error {
	s := &m.Scheduler
	has := func(key string) bool { _, ok := f.Info(key); return ok }
	if has(vPredictionKey) {
		s.PredictionType = string(sched.VPrediction)
	}
	if has(zeroTerminalKey) {
		s.RescaleBetasZeroSNR = true
	}
	if has(edmMinKey) && has(edmMaxKey) {
		s.Class, s.PredictionType, s.SigmaSchedule, s.SigmaData = "EDMEulerScheduler", string(sched.VPrediction), "exponential", 1
		var err error
		if s.SigmaMin, err = noiseLevel(f, edmMinKey); err != nil {
			return err
		}
		if s.SigmaMax, err = noiseLevel(f, edmMaxKey); err != nil {
			return err
		}
	}
	if has(edmMeanKey) && has(edmStdKey) {
		s.Class = "EDMDPMSolverMultistepScheduler"
		var err error
		if vae.LatentsMean, err = numbers(f, edmMeanKey); err != nil {
			return err
		}
		if vae.LatentsStd, err = numbers(f, edmStdKey); err != nil {
			return err
		}
		vae.ScalingFactor = edmScale
	}
	return nil
}

// noiseLevel reads one.
func noiseLevel(f checkpoint.Source, key string) (*float64, error) {
	v, err := numbers(f, key)
	if err != nil {
		return nil, err
	}
	if len(v) != 1 {
		return nil, fmt.Errorf("tensor %s has %d elements, want 1", key, len(v))
	}
	return &v[0], nil
}

// mostNumbers is more than a marker can hold.
const mostNumbers = 64

func numbers(f checkpoint.Source, key string) ([]float64, error) {
	t, err := f.Tensor(key)
	if err != nil {
		return nil, err
	}
	if n := t.NumElements(); n > mostNumbers {
		return nil, fmt.Errorf("tensor %s has %d elements, want at most %d", key, n, mostNumbers)
	}
	wide, err := t.Convert(tensor.F64)
	if err != nil {
		return nil, fmt.Errorf("tensor %s: %w", key, err)
	}
	return slices.Collect(tensor.Values[float64](wide)), nil
}
