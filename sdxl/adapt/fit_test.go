package adapt_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// TestFaultsOfFiles: what is no adapter says what it may be, and parts and modules that are
// there twice are named.
func TestFaultsOfFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	one := tensor.Shape{8, 6}
	for want, shapes := range map[string]map[string]tensor.Shape{
		"looks like a textual inversion":           {"clip_l": {1, 16}, "clip_g": {1, 16}},
		"an OFT of PEFT":                           {"a.oft_R.x": one, "b": one},
		"looks like a whole model":                 {"model.diffusion_model.x.bias": one, "b": one},
		"another family of models":                 {"double_blocks.x": one, "b": one},
		"is no adapter: none of its 2 tensors is ": {"a": one, "b": one},
		"are the same part of one module":          {"matrix.lora_up.weight": {8, 2}, "matrix.lora.up.weight": {8, 2}},
		"both change matrix of unet":               {"matrix.diff": one, "unet.matrix.diff": one},
		"none of its 1 modules fits the model":     {"other.diff": one},
		"which are no kind of adapter":             {"matrix.lora_up.weight": {8, 2}},
		"is an adapter for Flux":                   {"double_blocks.0.diff": one},
		"is an adapter for Stable Diffusion 3":     {"joint_blocks.0.diff": one},
		"changes a bias, and vector has none":      {"vector.diff_b": {8}},
		"want one number":                          {"matrix.lora_up.weight": {8, 2}, "matrix.lora_down.weight": {2, 6}, "matrix.alpha": {2}},
	} {
		fitted, err := fit(t, write(t, path, shapes, nil))
		require.ErrorContains(t, err, want, "%v %v", shapes, fitted)
	}
	for version, want := range map[string]string{"sd_v1": "Stable Diffusion 1.5", "sd_v2": "Stable Diffusion 2", "flux-1-dev": "Flux", "stable-diffusion-v3": "Stable Diffusion 3"} {
		_, err := fit(t, write(t, path, map[string]tensor.Shape{"matrix.diff": {9, 6}}, map[string]string{"ss_base_model_version": version}))
		require.ErrorContains(t, err, "is an adapter for "+want+", not for")
	}
	for names, want := range map[string]string{
		"lora_te_x,lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn1_to_q": "Stable Diffusion 1.5 or 2", "layers.0.attention.qkv": "Lumina or Z-Image", "x.cap_embedder": "Lumina or Z-Image",
		"blocks.0.self_attn.q": "Wan", "blocks_0_self_attn_q": "Wan", "transformer.x": "a transformer such as Flux", "single_blocks.0": "Flux", "lora_te3_x": "Stable Diffusion 3",
	} {
		shapes := make(map[string]tensor.Shape)
		for name := range strings.SplitSeq(names, ",") {
			shapes[name+".diff"] = one
		}
		_, err := fit(t, write(t, path, shapes, nil))
		require.ErrorContains(t, err, "is an adapter for "+want, names)
	}
	_, err := fit(t, write(t, path, map[string]tensor.Shape{"matrix.diff": {9, 6}}, map[string]string{"ss_base_model_version": "sdxl_base_v1-0"}))
	require.ErrorContains(t, err, "does not fit the model")
	f, err := adapt.Open(filepath.Join(t.TempDir(), "none.safetensors"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Nil(t, f)
	nan := tensor.New(tensor.F32, 1)
	nan.Float32s()[0] /= nan.Float32s()[0]
	require.NoError(t, safetensors.WriteFile(path, map[string]*tensor.Tensor{"matrix.lora_up.weight": tensor.New(tensor.F32, 8, 2), "matrix.lora_down.weight": tensor.New(tensor.F32, 2, 6), "matrix.alpha": nan}, nil))
	_, err = fit(t, path)
	require.ErrorContains(t, err, "is NaN, want a number")
}

// TestScalesOfPEFT: the alpha of its configuration, of the longest pattern that fits, over the
// rank or its root; a tensor alpha comes before.
func TestScalesOfPEFT(t *testing.T) {
	shapes := map[string]tensor.Shape{"matrix.lora_A.weight": {4, 6}, "matrix.lora_B.weight": {8, 4}}
	for config, alpha := range map[string]float64{
		`{"r":4}`: 4, `{"lora_alpha":7}`: 7, `{"alpha":6}`: 6, `{"lora_alpha":7,"alpha":6}`: 7,
		`{"lora_alpha":7,"alpha_pattern":{"matrix":5}}`: 5, `{"lora_alpha":7,"alpha_pattern":{"^matrix":5,"atrix":3,"x":2}}`: 5,
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "adapter_model.safetensors"), shapes, nil)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte(config), 0o600))
		fitted, err := fit(t, dir)
		require.NoError(t, err, config)
		require.InDelta(t, alpha, fitted.Places[0].Alpha, 0, config)
		flat := fmt.Sprintf(`{"unet.lora_alpha":3,"text_encoder.lora_alpha":%g}`, alpha)
		fitted, err = fit(t, write(t, filepath.Join(dir, "x.safetensors"), shapes, map[string]string{"lora_adapter_metadata": flat}))
		require.NoError(t, err)
		require.InDelta(t, 3, fitted.Places[0].Alpha, 0)
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "adapter_model.safetensors"), shapes, nil)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "adapter_config.json"), []byte(`{"fan_in_fan_out":true}`), 0o600))
	_, err := fit(t, dir)
	require.ErrorContains(t, err, "fan_in_fan_out is set")
}

// TestStrengths: an adapter without strength in a network leaves it alone; the longest start
// of a block counts.
func TestStrengths(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	fitted, err := fit(t, write(t, path, map[string]tensor.Shape{"matrix.diff": {8, 6}, "text_encoder.layer.q_proj.diff": {4, 4}}, nil))
	require.NoError(t, err)
	require.True(t, fitted.HasBlock("matrix"))
	require.False(t, fitted.HasBlock("matri"))
	require.False(t, fitted.HasBlock("layer"))
	for _, c := range []struct {
		use        adapt.Use
		unet, text bool
	}{
		{adapt.Use{UNet: 1, Text: 1}, true, true}, {adapt.Use{UNet: 1}, true, false}, {adapt.Use{Text: 1}, false, true}, {adapt.Use{}, false, false},
		{adapt.Use{UNet: 1, Blocks: map[string]float64{"matrix": 0}}, false, false}, {adapt.Use{UNet: 1, Blocks: map[string]float64{"matri": 0}}, true, false},
	} {
		c.use.Fitted = fitted
		set := adapt.NewSet([]adapt.Use{c.use})
		require.Equal(t, []bool{c.unet, c.text}, []bool{set.For("unet") != nil, set.For("text_encoder") != nil}, "%+v", c)
		require.Equal(t, c.unet || c.text, set.Key() != "")
	}
	twice := adapt.NewSet([]adapt.Use{{Fitted: fitted, UNet: 1}, {Fitted: fitted, UNet: 0.5}})
	require.NotEqual(t, adapt.NewSet([]adapt.Use{{Fitted: fitted, UNet: 1}}).Key(), twice.Key())
}
