package sdxl_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// TestNetworkThatTakesGuidance draws with a UNet of latent consistency models, which takes the guidance scale's embedding.
func TestNetworkThatTakesGuidance(t *testing.T) {
	u := readHashed(t, golden.Path("lcm", "unet.json.gz"))
	folder, single := u.write(t)
	scheduler := filepath.Join(filepath.Dir(folder), "scheduler")
	require.NoError(t, os.Mkdir(scheduler, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(scheduler, "scheduler_config.json"), u.Scheduler, 0o600))
	b := backend(t, 2)
	m := open(t, golden.Path("c", "model"), sdxl.OpenOptions{UNet: filepath.Dir(folder)})
	alone := open(t, golden.Path("c", "model"), sdxl.OpenOptions{UNet: single})
	require.Equal(t, 37, *alone.UNet.Config.GuidanceDim)
	pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}) // one for all scales, which share the compiled network
	defer pipe.Close()
	for scale, want := range golden.Tensors(t, golden.Path("lcm", "latents.safetensors")) {
		cfg, err := strconv.ParseFloat(scale, 64)
		require.NoError(t, err)
		o := sdxl.Options{Prompt: "a red circle", Steps: new(4), CFG: &cfg, Seed: new(int64(12)), Width: 64, Height: 64, Trace: map[string]*tensor.Tensor{}}
		_, err = pipe.Generate(t.Context(), o)
		require.NoError(t, err)
		require.NotContains(t, o.Trace, "negative_prompt_embeds")
		each := want.NumElements() / 4
		for i := range 4 {
			e := golden.RelErr(o.Trace[fmt.Sprintf("latents_%03d", i)].Float32s(), want.Float32s()[i*each:(i+1)*each])
			t.Logf("scale %s, step %d: %.1e", scale, i, e)
			require.Less(t, e, 1e-4)
		}
		o.Cache, o.PAG = "deepcache:2", &sdxl.PAG{Scale: 2} // whose networks take it too
		_, err = pipe.Generate(t.Context(), o)
		require.NoError(t, err)
	}
	var config map[string]any
	require.NoError(t, json.Unmarshal(u.Config, &config))
	config["time_cond_proj_dim"] = 1
	text, err := json.Marshal(config)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(folder, "config.json"), text, 0o600))
	_, err = sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{UNet: folder})
	require.ErrorContains(t, err, "time_cond_proj_dim is 1, want 4 to 65536, or null")
}
