// Package clip holds CLIP's towers as graphs (Radford et al. 2021, "Learning
// Transferable Visual Models From Natural Language Supervision").
package clip

import (
	"errors"
	"fmt"
	"slices"
)

// TextConfig is the config.json of a CLIPTextModel.
type TextConfig struct {
	Architectures []string `json:"architectures"`
	VocabSize     int      `json:"vocab_size"`
	HiddenSize    int      `json:"hidden_size"`
	Intermediate  int      `json:"intermediate_size"`
	ProjectionDim int      `json:"projection_dim"`
	Layers        int      `json:"num_hidden_layers"`
	Heads         int      `json:"num_attention_heads"`
	MaxPositions  int      `json:"max_position_embeddings"`
	HiddenAct     string   `json:"hidden_act"`
	LayerNormEps  float32  `json:"layer_norm_eps"`
	EOSTokenID    int32    `json:"eos_token_id"`
}

// DefaultTextConfig holds what a config.json means where it is silent.
func DefaultTextConfig() TextConfig {
	return TextConfig{
		VocabSize: 49408, HiddenSize: 512, Intermediate: 2048, ProjectionDim: 512, Layers: 12, Heads: 8,
		MaxPositions: 77, HiddenAct: "quick_gelu", LayerNormEps: 1e-5, EOSTokenID: 49407,
	}
}

func (c *TextConfig) validate() error {
	var errs []error
	for _, f := range []struct {
		name string
		v    int
	}{
		{"vocab_size", c.VocabSize}, {"hidden_size", c.HiddenSize}, {"intermediate_size", c.Intermediate},
		{"num_hidden_layers", c.Layers}, {"num_attention_heads", c.Heads}, {"max_position_embeddings", c.MaxPositions},
	} {
		if f.v <= 0 {
			errs = append(errs, fmt.Errorf("%s is %d, want a positive number", f.name, f.v))
		}
	}
	if c.Heads > 0 && c.HiddenSize%c.Heads != 0 {
		errs = append(errs, fmt.Errorf("hidden_size %d is no multiple of num_attention_heads %d", c.HiddenSize, c.Heads))
	}
	if c.HiddenAct != "quick_gelu" && c.HiddenAct != "gelu" {
		errs = append(errs, fmt.Errorf("hidden_act is %q, want quick_gelu or gelu", c.HiddenAct))
	}
	return errors.Join(errs...)
}

// projects reports whether the encoder ends in a text projection.
func (c *TextConfig) projects() bool {
	return slices.Contains(c.Architectures, "CLIPTextModelWithProjection")
}
