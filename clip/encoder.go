package clip

import (
	"fmt"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/tensor"
)

// TextEncoder is one of the two CLIP text encoders.
type TextEncoder struct {
	Config  TextConfig
	weights layers.Weights
}

// NewTextEncoder returns the encoder that a configuration describes. Its
// weights have the names of the reference's CLIPTextModel.
func NewTextEncoder(c TextConfig, w layers.Weights) (*TextEncoder, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &TextEncoder{Config: c, weights: w}, nil
}

// PooledDim returns the width of the pooled embedding.
func (e *TextEncoder) PooledDim() int {
	if e.Config.projects() {
		return e.Config.ProjectionDim
	}
	return e.Config.HiddenSize
}

// legacyEOS in a configuration means that the end of a text is its largest id:
// published files say 2, which no tokenizer of CLIP uses for it.
const legacyEOS = 2

// Graph records the encoder for a batch of texts. Input: ids [B,tokens] (I32).
// Outputs: hidden [B,tokens,C], the second to last hidden state, and pooled
// [B,P], the normalised last state at the end of the text, projected if the
// encoder has a projection. skip takes the hidden state that many layers
// earlier. Taps have the names of the reference's modules.
func (e *TextEncoder) Graph(batch, tokens, skip int) (*nn.Graph, error) {
	c := &e.Config
	if skip < 0 || skip >= c.Layers {
		return nil, fmt.Errorf("clip-skip is %d, want 0 to %d", skip, c.Layers-1)
	}
	if tokens > c.MaxPositions {
		return nil, fmt.Errorf("%d tokens, at most %d have positions", tokens, c.MaxPositions)
	}
	return nn.Record(func(g *nn.Graph) {
		l := layers.Recorder{G: g, Weights: e.weights}
		ids := g.Input("ids", tensor.I32, batch, tokens)
		x := g.Embedding(ids, nn.Embedding{
			Table:     l.Weights.Weight("text_model.embeddings.token_embedding.weight", c.VocabSize, c.HiddenSize),
			Positions: l.Weights.Weight("text_model.embeddings.position_embedding.weight", c.MaxPositions, c.HiddenSize),
		})
		g.Tap("text_model.embeddings", x)
		hidden := x
		for i := range c.Layers {
			if i < c.Layers-skip {
				hidden = x
			}
			name := fmt.Sprintf("text_model.encoder.layers.%d", i)
			x = e.layer(l, name, x)
			g.Tap(name, x)
		}
		x = l.LayerNorm("text_model.final_layer_norm", x, c.LayerNormEps)
		g.Tap("text_model.final_layer_norm", x)
		eos := c.EOSTokenID
		if eos == legacyEOS {
			eos = -1
		}
		pooled := g.TokenRow(x, ids, eos)
		if c.projects() {
			pooled = l.LinearNoBias("text_projection", pooled, c.ProjectionDim)
		}
		g.Output("hidden", hidden)
		g.Output("pooled", pooled)
	})
}

func (e *TextEncoder) layer(l layers.Recorder, name string, x *nn.Value) *nn.Value {
	c := &e.Config
	h := l.LayerNorm(name+".layer_norm1", x, c.LayerNormEps)
	proj := func(part string) *nn.Value {
		return l.Linear(name+".self_attn."+part, h, c.HiddenSize, nn.Identity)
	}
	a := l.G.Attention(proj("q_proj"), proj("k_proj"), proj("v_proj"), nn.Attention{Heads: c.Heads, Causal: true})
	x = l.Linear(name+".self_attn.out_proj", a, c.HiddenSize, nn.Identity, nn.Residual(x))
	act := nn.GELU
	if c.HiddenAct == "quick_gelu" {
		act = nn.QuickGELU
	}
	h = l.Linear(name+".mlp.fc1", l.LayerNorm(name+".layer_norm2", x, c.LayerNormEps), c.Intermediate, act)
	return l.Linear(name+".mlp.fc2", h, c.HiddenSize, nn.Identity, nn.Residual(x))
}
