package sdxl

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// PromptText is the text for each of the two encoders, usually the same.
type PromptText struct{ L, G string }

// PromptOptions says how a prompt is read.
type PromptOptions struct {
	Syntax prompt.Syntax
	// ClipSkip is how many layers before the usual one, the second to last, the
	// hidden states are taken from; -1 is the last layer, before its norm.
	ClipSkip int

	adapters *adapt.Set // of the encoders' weights
	inverted *inversions
}

// PromptEmbedding is a prompt of one or more chunks of 77 tokens.
type PromptEmbedding struct {
	IDsL, IDsG []int32        // [77 chunks], of both tokenizers
	Context    *tensor.Tensor // [1,77 chunks,L+G], the encoders' hidden states side by side, as the UNet takes them
	Pooled     *tensor.Tensor // [1,P], of the first chunk: the second encoder's projection of the text
}

// EncodePrompts encodes texts with the weights and at the length that the
// syntax gives them: in the plain syntax each is cut or padded to 77 tokens.
// The caller must take apart texts that change from step to step, and clauses.
func (p *Pipeline) EncodePrompts(ctx context.Context, texts []PromptText, o PromptOptions) ([]PromptEmbedding, error) {
	if err := p.model.Require("encoding texts", TextParts); err != nil {
		return nil, err
	}
	if len(texts) == 0 {
		return nil, errors.New("no texts to encode")
	}
	e, err := p.encodeTexts(ctx, texts, o)
	if err != nil {
		return nil, err
	}
	out := make([]PromptEmbedding, len(texts))
	for i, t := range texts {
		whole := e.average(blend{{t, 1}}, len(e.of[t])*prompt.Length)
		out[i] = PromptEmbedding{Context: whole.context, Pooled: whole.pooled}
		for _, c := range e.of[t] {
			out[i].IDsL, out[i].IDsG = append(out[i].IDsL, c.ids[0]...), append(out[i].IDsG, c.ids[1]...)
		}
	}
	return out, nil
}

func checkWeights(weights []float32) error {
	for _, w := range weights {
		if f := float64(w); math.IsNaN(f) || math.IsInf(f, 0) {
			return &FieldError{"prompt", fmt.Sprintf("has weights that multiply to %g, want numbers below %g", w, math.MaxFloat32)}
		}
	}
	return nil
}

// emphasise weights the hidden states [77,C] of a chunk in place: a1111
// multiplies and then restores their mean; comfy goes that far from what the
// empty text has in the same place.
func emphasise(s prompt.Syntax, z, empty []float32, weights []float32) error {
	width := len(z) / len(weights)
	if s == prompt.Comfy {
		for i, w := range weights {
			if w == 1 {
				continue
			}
			for j := i * width; j < (i+1)*width; j++ {
				z[j] = (z[j]-empty[j])*w + empty[j]
			}
		}
		return checkFinite(z)
	}
	before := mean(z)
	for i, w := range weights {
		for j := i * width; j < (i+1)*width; j++ {
			z[j] *= w
		}
	}
	if after := mean(z); after != 0 {
		scale := float32(before / after)
		for j := range z {
			z[j] *= scale
		}
	}
	return checkFinite(z)
}

func checkFinite(z []float32) error {
	if slices.ContainsFunc(z, func(v float32) bool { return v-v != 0 }) {
		return &FieldError{"prompt", "has weights so large that the embedding holds no numbers, want smaller ones"}
	}
	return nil
}

func mean(v []float32) (m float64) {
	for _, x := range v {
		m += float64(x)
	}
	return m / float64(len(v))
}
