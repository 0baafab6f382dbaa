package clip

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// TextConfig is the config.json of a CLIPTextModel or a SiglipTextModel.
type TextConfig struct {
	Architectures  []string `json:"architectures"`
	VocabSize      int      `json:"vocab_size"`
	HiddenSize     int      `json:"hidden_size"`
	Intermediate   int      `json:"intermediate_size"`
	ProjectionDim  int      `json:"projection_dim"`            // of CLIP
	ProjectionSize int      `json:"projection_size,omitempty"` // of SigLIP; 0 is HiddenSize
	Layers         int      `json:"num_hidden_layers"`
	Heads          int      `json:"num_attention_heads"`
	MaxPositions   int      `json:"max_position_embeddings"`
	HiddenAct      string   `json:"hidden_act"`
	LayerNormEps   float32  `json:"layer_norm_eps"`
	EOSTokenID     int32    `json:"eos_token_id"`
}

// DefaultTextConfig holds what a config.json of CLIP means where it is silent.
func DefaultTextConfig() TextConfig {
	return TextConfig{
		VocabSize: 49408, HiddenSize: 512, Intermediate: 2048, ProjectionDim: 512, Layers: 12, Heads: 8,
		MaxPositions: 77, HiddenAct: "quick_gelu", LayerNormEps: 1e-5, EOSTokenID: 49407,
	}
}

// defaultSiglipTextConfig holds what one of SigLIP means where it is silent.
func defaultSiglipTextConfig() TextConfig {
	return TextConfig{
		VocabSize: 32000, HiddenSize: 768, Intermediate: 3072, Layers: 12, Heads: 12,
		MaxPositions: 64, HiddenAct: "gelu_pytorch_tanh", LayerNormEps: 1e-6,
	}
}

// VisionConfig is the config.json of a CLIPVisionModel or a SiglipVisionModel.
type VisionConfig struct {
	Architectures []string `json:"architectures"`
	ModelType     string   `json:"model_type"` // clip_vision_model or siglip_vision_model
	HiddenSize    int      `json:"hidden_size"`
	Intermediate  int      `json:"intermediate_size"`
	ProjectionDim int      `json:"projection_dim"` // of CLIP
	Layers        int      `json:"num_hidden_layers"`
	Heads         int      `json:"num_attention_heads"`
	Channels      int      `json:"num_channels"`
	ImageSize     int      `json:"image_size"`
	PatchSize     int      `json:"patch_size"`
	HiddenAct     string   `json:"hidden_act"`
	LayerNormEps  float32  `json:"layer_norm_eps"`
	UseHead       *bool    `json:"vision_use_head,omitempty"` // of SigLIP
}

const (
	clipVision   = "clip_vision_model"
	siglipVision = "siglip_vision_model"
)

// DefaultVisionConfig holds what a config.json of CLIP means where it is silent.
func DefaultVisionConfig() VisionConfig {
	return VisionConfig{
		ModelType: clipVision, HiddenSize: 768, Intermediate: 3072, ProjectionDim: 512, Layers: 12, Heads: 12,
		Channels: 3, ImageSize: 224, PatchSize: 32, HiddenAct: "quick_gelu", LayerNormEps: 1e-5,
	}
}

// defaultSiglipVisionConfig holds what one of SigLIP means where it is silent.
func defaultSiglipVisionConfig() VisionConfig {
	return VisionConfig{
		ModelType: siglipVision, HiddenSize: 768, Intermediate: 3072, Layers: 12, Heads: 12,
		Channels: 3, ImageSize: 224, PatchSize: 16, HiddenAct: "gelu_pytorch_tanh", LayerNormEps: 1e-6,
	}
}

// maxLayers bounds the graph that a configuration can ask for, which is recorded
// layer by layer; the largest published tower has 48.
const (
	layersField = "num_hidden_layers"
	maxLayers   = 1000
)

// field is a number of a configuration that must be positive.
type field struct {
	name string
	v    int
}

func checkTower(fields []field, width, heads int, act string) error {
	var errs []error
	for _, f := range fields {
		if f.v <= 0 {
			errs = append(errs, fmt.Errorf("%s is %d, want a positive number", f.name, f.v))
		}
		if f.name == layersField && f.v > maxLayers {
			errs = append(errs, fmt.Errorf("%s is %d, want at most %d", f.name, f.v, maxLayers))
		}
	}
	if heads > 0 && width%heads != 0 {
		errs = append(errs, fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", width, heads))
	}
	if _, ok := activations[act]; !ok {
		errs = append(errs, fmt.Errorf("hidden_act is %q, want one of %s", act,
			strings.Join(slices.Sorted(maps.Keys(activations)), ", ")))
	}
	return errors.Join(errs...)
}

func (c *TextConfig) validate() error {
	return checkTower([]field{
		{"vocab_size", c.VocabSize}, {"hidden_size", c.HiddenSize}, {"intermediate_size", c.Intermediate},
		{layersField, c.Layers}, {"num_attention_heads", c.Heads}, {"max_position_embeddings", c.MaxPositions},
	}, c.HiddenSize, c.Heads, c.HiddenAct)
}

// projects reports whether the encoder ends in a text projection.
func (c *TextConfig) projects() bool {
	return slices.Contains(c.Architectures, projected)
}

// projected is the class of a text tower that ends in a projection.
const projected = "CLIPTextModelWithProjection"

func (c *TextConfig) block(causal bool) block {
	return block{c.HiddenSize, c.Intermediate, c.Heads, c.LayerNormEps, activations[c.HiddenAct], causal}
}

func (c *VisionConfig) validate() error {
	fields := []field{
		{"hidden_size", c.HiddenSize}, {"intermediate_size", c.Intermediate}, {layersField, c.Layers}, {"num_attention_heads", c.Heads},
		{"image_size", c.ImageSize}, {"patch_size", c.PatchSize},
	}
	if !c.siglip() {
		fields = append(fields, field{"projection_dim", c.ProjectionDim})
	}
	err := checkTower(fields, c.HiddenSize, c.Heads, c.HiddenAct)
	switch {
	case c.Channels != 3:
		err = errors.Join(err, fmt.Errorf("num_channels is %d, want 3", c.Channels))
	case err == nil && c.ImageSize < c.PatchSize:
		err = fmt.Errorf("image_size %d is less than patch_size %d", c.ImageSize, c.PatchSize)
	case c.siglip() && c.UseHead != nil && !*c.UseHead:
		err = errors.Join(err, errors.New("vision_use_head is false: without a head the tower has no embedding"))
	}
	return err
}

func (c *VisionConfig) siglip() bool { return c.ModelType == siglipVision }

func (c *VisionConfig) block() block {
	return block{c.HiddenSize, c.Intermediate, c.Heads, c.LayerNormEps, activations[c.HiddenAct], false}
}

// patches returns how many patches a picture has.
func (c *VisionConfig) patches() int {
	return (c.ImageSize / c.PatchSize) * (c.ImageSize / c.PatchSize)
}

// patchLen returns how many numbers a patch has.
func (c *VisionConfig) patchLen() int { return c.Channels * c.PatchSize * c.PatchSize }
