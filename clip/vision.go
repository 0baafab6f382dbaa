package clip

import (
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/tensor"
)

// The names below which the parameters of the towers lie, and what an embedding
// is called in a graph.
const (
	textModel       = "text_model"
	visionModel     = "vision_model"
	embeddingOutput = "embedding"
)

// VisionEncoder is an image tower: a vision transformer (Dosovitskiy et al.
// 2021) of CLIP or of SigLIP.
type VisionEncoder struct {
	Config  VisionConfig
	weights layers.Weights
}

// NewVisionEncoder returns the encoder that a configuration describes. Its
// weights have the names of the reference's CLIPModel or SiglipModel.
func NewVisionEncoder(c VisionConfig, w layers.Weights) (*VisionEncoder, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &VisionEncoder{Config: c, weights: w}, nil
}

// Dim returns the width of an embedding.
func (e *VisionEncoder) Dim() int {
	if e.Config.siglip() {
		return e.Config.HiddenSize
	}
	return e.Config.ProjectionDim
}

// Graph records the encoder for a batch of pictures. Input: patches
// [B,N,channels*size*size], row by row of patches, each in the order channel, y,
// x of the patch. Output: embedding [B,P], not normalised.
func (e *VisionEncoder) Graph(batch int) (*nn.Graph, error) {
	c := &e.Config
	return nn.Record(func(g *nn.Graph) {
		l := layers.Recorder{G: g, Weights: e.weights}
		in := g.Input("patches", tensor.F32, batch, c.patches(), c.patchLen())
		if c.siglip() {
			g.Output(embeddingOutput, e.siglip(l, in))
			return
		}
		g.Output(embeddingOutput, e.clip(l, in))
	})
}

// clip records CLIP's tower: a token of the class goes before the patches, and
// is what comes out.
func (e *VisionEncoder) clip(l layers.Recorder, in *nn.Value) *nn.Value {
	c, b, batch := &e.Config, e.Config.block(), in.Dim(0)
	x := l.LinearNoBias("vision_model.embeddings.patch_embedding", in, c.HiddenSize)
	class := l.G.Reshape(l.G.Parameter(l.Weights.Weight("vision_model.embeddings.class_embedding", c.HiddenSize), batch),
		batch, 1, c.HiddenSize)
	x = e.positions(l, l.G.Concat(1, class, x))
	l.G.Tap("vision_model.embeddings", x)
	x = l.LayerNorm("vision_model.pre_layrnorm", x, c.LayerNormEps)
	for i := range c.Layers - 1 {
		x = b.layer(l, layerName(visionModel, i), x)
		l.G.Tap(layerName(visionModel, i), x)
	}
	x = b.layerOfRow(l, layerName(visionModel, c.Layers-1), x, 0)
	x = l.G.Reshape(l.LayerNorm("vision_model.post_layernorm", x, c.LayerNormEps), batch, c.HiddenSize)
	return l.LinearNoBias("visual_projection", x, c.ProjectionDim)
}

// siglip records SigLIP's tower, whose result is one more layer of attention,
// of a learned query to all patches.
func (e *VisionEncoder) siglip(l layers.Recorder, in *nn.Value) *nn.Value {
	c, b, batch := &e.Config, e.Config.block(), in.Dim(0)
	x := e.positions(l, l.Linear("vision_model.embeddings.patch_embedding", in, c.HiddenSize, nn.Identity))
	l.G.Tap("vision_model.embeddings", x)
	for i := range c.Layers {
		x = b.layer(l, layerName(visionModel, i), x)
		l.G.Tap(layerName(visionModel, i), x)
	}
	x = l.LayerNorm("vision_model.post_layernorm", x, c.LayerNormEps)
	probe := l.G.Parameter(l.Weights.Weight("vision_model.head.probe", 1, 1, c.HiddenSize), batch)
	probe = l.G.Reshape(probe, batch, 1, c.HiddenSize)
	x = b.attention(l, "vision_model.head.attention", probe, x)
	x = b.mlp(l, "vision_model.head.layernorm", "vision_model.head.mlp", x)
	return l.G.Reshape(x, batch, c.HiddenSize)
}

// positions adds the embedding of each position.
func (e *VisionEncoder) positions(l layers.Recorder, x *nn.Value) *nn.Value {
	w := l.Weights.Weight("vision_model.embeddings.position_embedding.weight", x.Dim(1), x.Dim(2))
	return l.G.Add(x, l.G.Parameter(w, x.Dim(0)))
}
