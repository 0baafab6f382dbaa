package clip

import (
	"fmt"

	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/tensor"
)

// TextEncoder is a text tower of CLIP, such as the two of Stable Diffusion XL.
type TextEncoder struct {
	Config  TextConfig
	weights layers.Weights
	vectors bool // what is added to the tokens' embeddings is an input
}

// NewTextEncoder returns the encoder that a configuration describes. Its
// weights have the names of the reference's CLIPTextModel.
func NewTextEncoder(c TextConfig, w layers.Weights) (*TextEncoder, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &TextEncoder{Config: c, weights: w}, nil
}

// With returns the encoder with other weights: what change makes of its own.
func (e *TextEncoder) With(change func(layers.Weights) layers.Weights) *TextEncoder {
	c := *e
	c.weights = change(e.weights)
	return &c
}

// WithVectors returns the encoder with another input of its graphs, vectors
// [B,tokens,C], which are added to the embeddings of the tokens.
func (e *TextEncoder) WithVectors() *TextEncoder {
	c := *e
	c.vectors = true
	return &c
}

// TokenVector returns the embedding of a token, without a position.
func (e *TextEncoder) TokenVector(id int32) ([]float32, error) {
	w := tokenTable(e.weights, &e.Config)
	t, f, err := weights.Load(w)
	if err != nil {
		return nil, err
	}
	if id < 0 || int(id) >= w.Shape[0] || !t.IsContiguous() {
		return nil, fmt.Errorf("weight %s%v has no row %d that can be read", w.Name, w.Shape, id)
	}
	v := make([]float32, w.Shape[1])
	return v, parallel.Guard(func() error {
		weights.Widen(v, weights.Data(t), f, int(id)*len(v))
		return nil
	})
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
// encoder has a projection. skip is how many layers earlier the hidden state is
// taken; -1 is the last layer, before its norm. Taps have the names of the
// reference's modules.
func (e *TextEncoder) Graph(batch, tokens, skip int) (*nn.Graph, error) {
	if skip < -1 || skip >= e.Config.Layers {
		return nil, fmt.Errorf("clip-skip is %d, want -1 to %d", skip, e.Config.Layers-1)
	}
	return e.record(batch, tokens, func(g *nn.Graph, states []*nn.Value, pooled *nn.Value) {
		g.Output("hidden", states[len(states)-2-skip])
		g.Output("pooled", pooled)
	})
}

// embeddings records the encoder with the pooled vectors alone.
func (e *TextEncoder) embeddings(batch, tokens int) (*nn.Graph, error) {
	return e.record(batch, tokens, func(g *nn.Graph, _ []*nn.Value, pooled *nn.Value) { g.Output(embeddingOutput, pooled) })
}

// record records the encoder; outputs gets what each layer begins with, what
// the last one ends with, and the pooled vectors.
func (e *TextEncoder) record(batch, tokens int, outputs func(g *nn.Graph, states []*nn.Value, pooled *nn.Value)) (*nn.Graph,
	error) {
	c := &e.Config
	if tokens > c.MaxPositions {
		return nil, fmt.Errorf("%d tokens, at most %d have positions", tokens, c.MaxPositions)
	}
	return nn.Record(func(g *nn.Graph) {
		l := layers.Recorder{G: g, Weights: e.weights}
		ids := g.Input("ids", tensor.I32, batch, tokens)
		x := embedTokens(l, ids, c)
		if e.vectors {
			x = g.Add(x, g.Input("vectors", tensor.F32, batch, tokens, c.HiddenSize))
		}
		g.Tap("text_model.embeddings", x)
		b, states := c.block(true), []*nn.Value{x}
		for i := range c.Layers {
			name := layerName(textModel, i)
			x = b.layer(l, name, x)
			g.Tap(name, x)
			states = append(states, x)
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
		outputs(g, states, pooled)
	})
}

func tokenTable(w layers.Weights, c *TextConfig) *nn.Weight {
	return w.Weight("text_model.embeddings.token_embedding.weight", c.VocabSize, c.HiddenSize)
}

// embedTokens records the embeddings of ids [B,T] and of their positions.
func embedTokens(l layers.Recorder, ids *nn.Value, c *TextConfig) *nn.Value {
	return l.G.Embedding(ids, nn.Embedding{
		Table:     tokenTable(l.Weights, c),
		Positions: l.Weights.Weight("text_model.embeddings.position_embedding.weight", c.MaxPositions, c.HiddenSize),
	})
}
