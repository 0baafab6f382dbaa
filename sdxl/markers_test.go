package sdxl

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/vae"
	"github.com/df65613c/easel/tensor"
)

func TestMarkersOfSingleFiles(t *testing.T) {
	read := func(markers map[string][]float32) (*Model, vae.Config, error) {
		tensors := map[string]*tensor.Tensor{}
		for key, v := range markers {
			x, err := tensor.FromSlice(v, len(v))
			require.NoError(t, err)
			if key == edmMeanKey { // as it is published
				x, err = x.Reshape(1, len(v), 1, 1)
				require.NoError(t, err)
			}
			tensors[key] = x
		}
		path := filepath.Join(t.TempDir(), "m.safetensors")
		require.NoError(t, safetensors.WriteFile(path, tensors, nil))
		f, err := safetensors.Open(path)
		require.NoError(t, err)
		t.Cleanup(func() { f.Close() })
		m := Model{Scheduler: sched.DefaultConfig()}
		var vae vae.Config
		err = m.readMarkers(f, &vae)
		for _, key := range f.Names() {
			require.False(t, parameter(key), key)
		}
		return &m, vae, err
	}
	m, _, err := read(nil)
	require.NoError(t, err)
	require.Equal(t, sched.DefaultConfig(), m.Scheduler)

	m, _, err = read(map[string][]float32{"v_pred": {}, "ztsnr": {}})
	require.NoError(t, err)
	require.Equal(t, "v_prediction", m.Scheduler.PredictionType)
	require.True(t, m.Scheduler.RescaleBetasZeroSNR)

	m, vae, err := read(map[string][]float32{"edm_mean": {-1.5, 1, -2, 3}, "edm_std": {8, 5, 5.5, 4}})
	require.NoError(t, err)
	require.Equal(t, []float64{-1.5, 1, -2, 3}, vae.LatentsMean)
	require.Equal(t, []float64{8, 5, 5.5, 4}, vae.LatentsStd)
	require.Equal(t, 0.5, vae.ScalingFactor)
	s, err := m.Scheduler.New(sched.Overrides{}, 4)
	require.NoError(t, err)
	require.Equal(t, "dpmpp_2m", s.Sampler.Name)
	require.Equal(t, sched.EDM, s.Prediction)
	require.InDelta(t, 80, s.Sigmas[0], 1e-4)

	m, _, err = read(map[string][]float32{"edm_vpred.sigma_min": {0.002}, "edm_vpred.sigma_max": {120}})
	require.NoError(t, err)
	s, err = m.Scheduler.New(sched.Overrides{}, 4)
	require.NoError(t, err)
	require.Equal(t, sched.EDMV, s.Prediction)
	require.InDelta(t, 120, s.Sigmas[0], 1e-4)
	require.Equal(t, "exponential", s.Name)

	_, _, err = read(map[string][]float32{"edm_vpred.sigma_min": {1, 2}, "edm_vpred.sigma_max": {120}})
	require.ErrorContains(t, err, "tensor edm_vpred.sigma_min has 2 elements, want 1")
}
