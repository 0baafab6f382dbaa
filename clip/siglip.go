package clip

import (
	"cmp"
	"fmt"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/tensor"
)

// siglipText is the text tower of SigLIP (Zhai et al. 2023, "Sigmoid Loss for
// Language Image Pre-Training"). Its attention has no mask, so that padding is
// a part of the text: it is always of the full length.
type siglipText struct {
	config  TextConfig
	weights layers.Weights
}

func newSiglipText(c TextConfig, w layers.Weights) (*siglipText, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &siglipText{c, w}, nil
}

// dim returns the width of an embedding.
func (e *siglipText) dim() int { return cmp.Or(e.config.ProjectionSize, e.config.HiddenSize) }

// embeddings records the tower. Input: ids [B,tokens] (I32). Output: embedding
// [B,P], not normalised.
func (e *siglipText) embeddings(batch, tokens int) (*nn.Graph, error) {
	c := &e.config
	if tokens != c.MaxPositions {
		return nil, fmt.Errorf("%d tokens, want %d", tokens, c.MaxPositions)
	}
	return nn.Record(func(g *nn.Graph) {
		l := layers.Recorder{G: g, Weights: e.weights}
		ids := g.Input("ids", tensor.I32, batch, tokens)
		x, b := embedTokens(l, ids, c), c.block(false)
		for i := range c.Layers - 1 {
			x = b.layer(l, layerName(textModel, i), x)
		}
		x = b.layerOfRow(l, layerName(textModel, c.Layers-1), x, tokens-1)
		x = g.Reshape(l.LayerNorm("text_model.final_layer_norm", x, c.LayerNormEps), batch, c.HiddenSize)
		g.Output(embeddingOutput, l.Linear("text_model.head", x, e.dim(), nn.Identity))
	})
}
