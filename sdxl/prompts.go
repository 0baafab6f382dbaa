package sdxl

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// PromptText is a text as the two encoders read it, mostly the same.
type PromptText struct{ L, G string }

// PromptOptions say how a prompt is read.
type PromptOptions struct {
	Syntax prompt.Syntax
	// ClipSkip is how many layers before the usual one, the second to last, the
	// hidden states are taken from.
	ClipSkip int
}

// PromptEmbedding is a prompt of one or more chunks of 77 tokens.
type PromptEmbedding struct {
	Context *tensor.Tensor // [1,77 chunks,L+G], as the UNet takes it
	Pooled  *tensor.Tensor // [1,P], of the first chunk
}

// EncodePrompts encodes texts with the weights and at the length that their
// syntax gives them. Texts that change from step to step, and clauses, are for
// the caller to take apart.
func (m *Model) EncodePrompts(ctx context.Context, b nn.Backend, texts []PromptText, o PromptOptions) ([]PromptEmbedding, error) {
	if len(texts) == 0 {
		return nil, fmt.Errorf("no texts to encode")
	}
	l, g := make([][]prompt.Chunk, len(texts)), make([][]prompt.Chunk, len(texts))
	for i, t := range texts {
		l[i], g[i] = o.Syntax.Chunks(m.TokenizerL, t.L), o.Syntax.Chunks(m.TokenizerG, t.G)
		for len(l[i]) < len(g[i]) {
			l[i] = append(l[i], prompt.Empty(m.TokenizerL))
		}
		for len(g[i]) < len(l[i]) {
			g[i] = append(g[i], prompt.Empty(m.TokenizerG))
		}
	}
	hiddenL, _, err := m.encodeChunks(ctx, b, textLPart, l, prompt.Empty(m.TokenizerL), o)
	if err != nil {
		return nil, err
	}
	hiddenG, pooled, err := m.encodeChunks(ctx, b, textGPart, g, prompt.Empty(m.TokenizerG), o)
	if err != nil {
		return nil, err
	}
	out := make([]PromptEmbedding, len(texts))
	for i := range out {
		context, err := tensor.Concat(-1, hiddenL[i], hiddenG[i])
		if err != nil {
			return nil, err
		}
		out[i] = PromptEmbedding{context, pooled[i]}
	}
	return out, nil
}

// encodeChunks returns the weighted hidden states of each text [1,77 chunks,C],
// and the pooled embedding of its first chunk [1,P].
func (m *Model) encodeChunks(ctx context.Context, b nn.Backend, part string, texts [][]prompt.Chunk, empty prompt.Chunk, o PromptOptions) (hidden, pooled []*tensor.Tensor, err error) {
	var ids []int32
	for _, chunks := range texts {
		for _, c := range chunks {
			if err := checkWeights(c.Weights); err != nil {
				return nil, nil, err
			}
			ids = append(ids, c.IDs...)
		}
	}
	ids = append(ids, empty.IDs...) // the last one
	in, err := tensor.FromSlice(ids, len(ids)/prompt.Length, prompt.Length)
	if err != nil {
		return nil, nil, err
	}
	var states, pools *tensor.Tensor
	if err := m.encode(ctx, b, part, in, o.ClipSkip, &states, &pools); err != nil {
		return nil, nil, err
	}
	width := states.Shape()[2]
	chunkOf := func(i int) []float32 { return states.Float32s()[i*prompt.Length*width:][:prompt.Length*width] }
	nothing := chunkOf(len(ids)/prompt.Length - 1)
	first := 0
	for _, chunks := range texts {
		for i, c := range chunks {
			if c.Weighted() {
				emphasise(o.Syntax, chunkOf(first+i), nothing, c.Weights)
			}
		}
		t, err := states.Narrow(0, first, first+len(chunks))
		if err == nil {
			t, err = t.Reshape(1, len(chunks)*prompt.Length, width)
		}
		if err != nil {
			return nil, nil, err
		}
		hidden, pooled = append(hidden, t), append(pooled, row(pools, first))
		first += len(chunks)
	}
	return hidden, pooled, nil
}

func checkWeights(weights []float32) error {
	for _, w := range weights {
		if f := float64(w); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("prompt: the weights multiply to %g, want numbers below %g", w, math.MaxFloat32)
		}
	}
	return nil
}

// emphasise weights the hidden states [77,C] of a chunk in place: a1111
// multiplies and then restores their mean; comfy goes that far from what the
// empty text has in the same place.
func emphasise(s prompt.Syntax, z, empty []float32, weights []float32) {
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
		return
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
}

func mean(v []float32) (m float64) {
	for _, x := range v {
		m += float64(x)
	}
	return m / float64(len(v))
}
