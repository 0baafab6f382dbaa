package sdxl

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// leftOver are keys of the kinds that published files hold beside parameters.
var leftOver = []string{
	"model_ema.decay", "model_ema.num_updates", "model_ema.diffusion_modeltime_embed0weight",
	"first_stage_model.model_ema.decay", "first_stage_model.model_ema.decoderconv_inweight",
	"first_stage_model.loss.logvar", "first_stage_model.loss.perceptual_loss.lin0.model.1.weight",
	"first_stage_model.loss.discriminator.main.3.num_batches_tracked", "loss.logvar",
	"logvar", "log_vars", "lvlb_weights", "global_step",
	"conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
	"conditioner.embedders.0.transformer.text_projection.weight", "conditioner.embedders.0.text_projection.weight",
	"conditioner.embedders.0.text_projection", "conditioner.embedders.0.logit_scale", "conditioner.embedders.1.logit_scale",
	"conditioner.embedders.1.model.logit_scale", "conditioner.embedders.1.model.attn_mask",
	"conditioner.embedders.1.model.visual.conv1.weight",
	"denoiser.sigmas", "betas", "alphas_cumprod", "alphas_cumprod_prev", "sqrt_alphas_cumprod", "sqrt_one_minus_alphas_cumprod",
	"log_one_minus_alphas_cumprod", "sqrt_recip_alphas_cumprod", "sqrt_recipm1_alphas_cumprod",
	"posterior_variance", "posterior_log_variance_clipped", "posterior_mean_coef1", "posterior_mean_coef2",
	"v_pred", "ztsnr", "scaled_fp8", "model.diffusion_model.out.2.scale_input", "model.diffusion_model.time_embed.0.weight_format",
}

// withExtra copies model b as a single file, with some tensors more.
func withExtra(t *testing.T, keys ...string) string {
	f, err := safetensors.Open(golden.Path("b", "single.safetensors"))
	require.NoError(t, err)
	defer f.Close()
	tensors := make(map[string]*tensor.Tensor)
	for _, name := range f.Names() {
		tensors[name], err = f.Tensor(name)
		require.NoError(t, err)
	}
	for _, key := range keys {
		tensors[key] = tensor.New(tensor.F32, 1)
	}
	path := filepath.Join(t.TempDir(), "extra.safetensors")
	require.NoError(t, safetensors.WriteFile(path, tensors, nil))
	return path
}

func TestLeftOverTensors(t *testing.T) {
	opts := OpenOptions{Config: golden.Path("b", "model")}
	m, err := Open(withExtra(t, leftOver...), opts)
	require.NoError(t, err)
	m.Close()
	for _, p := range notParameters {
		require.NotEmpty(t, p.why)
		require.True(t, slices.ContainsFunc(leftOver, p.key.MatchString), "no key is tried of %s", p.key)
	}
}

// TestUnknownTensors: what may change the pictures is never left out in silence.
func TestUnknownTensors(t *testing.T) {
	opts := OpenOptions{Config: golden.Path("b", "model")}
	unknown := []string{
		"control_model.input_blocks.0.0.weight", "model.diffusion_model.input_blocks.0.0.scale_weight",
		"model.diffusion_model.input_blocks.0.0.lora_A", "first_stage_model.decoder.losses.weight", "v_pred_2", "my_model_ema2.weight",
		"conditioner.embedders.2.model.weight", "conditioner.embedders.0.transformer.text_projection_2.weight",
	}
	path := withExtra(t, unknown...)
	_, err := Open(path, opts)
	require.ErrorContains(t, err, "--allow-unused")
	accounts, err := Inspect(path, opts)
	require.NoError(t, err)
	var found []string
	for _, a := range accounts {
		found = append(found, a.Unused...)
	}
	require.ElementsMatch(t, unknown, found)
	opts.AllowUnused = true
	m, err := Open(path, opts)
	require.NoError(t, err)
	m.Close()
}

// TestLeftOverTensorsOfFolders: of parts by themselves too.
func TestLeftOverTensorsOfFolders(t *testing.T) {
	for _, key := range []string{
		"text_projection.weight", "text_model.embeddings.position_ids", "logit_scale", "vision_model.embeddings.class_embedding",
		"visual_projection.weight", "loss.logvar", "loss.discriminator.main.0.weight", "model_ema.decay",
	} {
		require.False(t, parameter(key), key)
	}
	for _, key := range []string{"conv_in.weight", "text_model.final_layer_norm.weight", "decoder.conv_in.bias", "time_embedding.linear_1.weight"} {
		require.True(t, parameter(key), key)
	}
}
