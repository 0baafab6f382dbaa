package unet

import (
	"fmt"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/tensor"
)

// transformerEps is the GroupNorm's in front of the UNet's transformers, which
// is not the configuration's.
const transformerEps = 1e-6

// UNet is the denoising network.
type UNet struct {
	Config  Config
	blocks  []Block
	weights layers.Weights
}

// New returns the network that a configuration describes. Its weights have
// the names of the reference's UNet2DConditionModel.
func New(c Config, w layers.Weights) (*UNet, error) {
	blocks, err := c.Blocks()
	if err != nil {
		return nil, err
	}
	return &UNet{Config: c, blocks: blocks, weights: w}, nil
}

// With returns the network with other weights: what change makes of its own.
func (u *UNet) With(change func(layers.Weights) layers.Weights) *UNet {
	c := *u
	c.weights = change(u.weights)
	return &c
}

// ContextDim returns the width of the text's hidden states.
func (u *UNet) ContextDim() int { return u.blocks[len(u.blocks)-1].Context }

// midDepth returns how many transformer blocks the middle block has: as many as the layer before it.
func (u *UNet) midDepth() int {
	if !u.Config.midAttends() {
		return 0
	}
	return u.blocks[len(u.blocks)-1].Down[0]
}

// Levels returns the number of resolutions.
func (u *UNet) Levels() int { return len(u.blocks) }

// TimeIDs is how many numbers the base model is conditioned on: the original
// size, the crop's corner and the target size, each as height and width.
const TimeIDs = 6

// PooledDim returns the width of the pooled text embedding.
func (u *UNet) PooledDim() int { return u.Config.AdditionInputDim - TimeIDs*u.Config.AdditionTimeDim }

// Shape is what the network is recorded for.
type Shape struct {
	Batch         int
	Height, Width int  // of latents
	Tokens        int  // of the text
	Cut           *Cut // nil records the whole network
}

// Graph records the network. Inputs: sample [B,4,h,w], timestep [B],
// encoder_hidden_states [B,tokens,C], text_embeds [B,pooled], time_ids [B,6], and
// timestep_cond [B,dim] where the network takes the guidance scale.
// Output: out [B,4,h,w], and what a cut or a patch adds. Taps have the names of
// the reference's modules.
func (u *UNet) Graph(s Shape, patches ...Patch) (*nn.Graph, error) {
	return nn.Record(func(g *nn.Graph) {
		r := recorder{Recorder: layers.Recorder{G: g, Weights: u.weights}, UNet: u, left: u.Skips(), patches: patches}
		sample := g.Input("sample", tensor.F32, s.Batch, u.Config.InChannels, s.Height, s.Width)
		timestep := g.Input("timestep", tensor.F32, s.Batch)
		r.context = g.Input("encoder_hidden_states", tensor.F32, s.Batch, s.Tokens, u.ContextDim())
		text := g.Input("text_embeds", tensor.F32, s.Batch, u.PooledDim())
		ids := g.Input("time_ids", tensor.F32, s.Batch, TimeIDs)
		if u.TakesGuidance() {
			r.guidance = g.Input("timestep_cond", tensor.F32, s.Batch, *u.Config.GuidanceDim)
		}
		r.startCut(s.Cut)
		g.Output("out", r.forward(sample, timestep, text, ids))
		if r.cut.deep != nil {
			g.Output(DeepValue, r.cut.deep)
		}
	})
}

type recorder struct {
	layers.Recorder
	*UNet
	context  *nn.Value
	guidance *nn.Value   // the embedding of the guidance scale, or nil
	temb     *nn.Value   // SiLU of the time embedding, as every ResNet block takes it
	skips    []*nn.Value // of the way down, for the way up
	left     int         // the number of skips that the way up has still to take
	patches  []Patch
	cut      cutter
}

func (r *recorder) forward(sample, timestep, text, ids *nn.Value) *nn.Value {
	c, g := &r.Config, r.G
	r.embed(timestep, text, ids)
	x := r.Conv3("conv_in", r.FromNCHW(sample), c.BlockOutChannels[0])
	g.TapImage("conv_in", x)
	if r.cut.firstBlock && r.cut.cached != nil {
		return r.aroundFirst(x)
	}
	r.skips = []*nn.Value{x}
	for i := range r.blocks {
		x = r.down(i, x)
	}
	if r.cut.cached != nil {
		x = nil // until the cut
	} else {
		x = r.mid(x)
	}
	x = r.patchDown(x)
	for i := range r.blocks {
		x = r.up(i, x)
	}
	if r.cut.firstBlock {
		r.cut.deep = g.Add(x, g.Affine(r.cut.first, -1, 0))
	}
	return r.output(x)
}

// output records the last layers.
func (r *recorder) output(x *nn.Value) *nn.Value {
	c := &r.Config
	return r.ToNCHW(r.NormConv3("conv_norm_out", "conv_out", x, c.OutChannels, c.NormNumGroups, c.NormEps))
}

// embed records the embedding of time, pooled text, sizes and crop.
func (r *recorder) embed(timestep, text, ids *nn.Value) {
	c, g := &r.Config, r.G
	dim := 4 * c.BlockOutChannels[0]
	mlp := func(name string, x *nn.Value, extra ...nn.Operand) *nn.Value {
		h := r.Linear(name+".linear_1", x, dim, nn.SiLU)
		return r.Linear(name+".linear_2", h, dim, nn.Identity, extra...)
	}
	time := g.TimestepEmbedding(timestep, c.BlockOutChannels[0])
	if r.guidance != nil {
		time = g.Add(time, r.LinearNoBias("time_embedding.cond_proj", r.guidance, c.BlockOutChannels[0]))
	}
	t := mlp("time_embedding", time)
	g.Tap("time_embedding", t)
	ids = g.TimestepEmbedding(ids, c.AdditionTimeDim)
	ids = g.Reshape(ids, ids.Dim(0), ids.Dim(1)*ids.Dim(2))
	aug := mlp("add_embedding", g.Concat(-1, text, ids))
	g.Tap("add_embedding", aug)
	r.temb = g.Activate(g.Add(t, aug), nn.SiLU)
}

func (r *recorder) down(i int, x *nn.Value) *nn.Value {
	b := r.blocks[i]
	name := fmt.Sprintf("down_blocks.%d", i)
	for j := range b.Layers {
		if r.below() {
			return x
		}
		x = r.Resnet(fmt.Sprintf("%s.resnets.%d", name, j), x, r.temb, b.Channels, r.Config.NormNumGroups, r.Config.NormEps)
		if i == 0 && j == 0 {
			r.cut.first = x
		}
		if b.Attention {
			x = r.transformer(fmt.Sprintf("%s.attentions.%d", name, j), x, b, b.Down[j])
		}
		r.skips = append(r.skips, x)
	}
	if i < len(r.blocks)-1 && !r.below() {
		x = r.Conv(name+".downsamplers.0.conv", x, b.Channels, 3, 2, nn.Pad(1))
		r.G.TapImage(name+".downsamplers.0", x)
		r.skips = append(r.skips, x)
	}
	r.G.TapImage(name, x)
	return x
}

func (r *recorder) mid(x *nn.Value) *nn.Value {
	if r.Config.MidBlockType == nil {
		return x
	}
	b := r.blocks[len(r.blocks)-1]
	x = r.Resnet("mid_block.resnets.0", x, r.temb, b.Channels, r.Config.NormNumGroups, r.Config.NormEps)
	if depth := r.midDepth(); depth > 0 {
		x = r.transformer("mid_block.attentions.0", x, b, depth)
		x = r.Resnet("mid_block.resnets.1", x, r.temb, b.Channels, r.Config.NormNumGroups, r.Config.NormEps)
	}
	r.G.TapImage("mid_block", x)
	return x
}

func (r *recorder) up(i int, x *nn.Value) *nn.Value {
	last := len(r.blocks) - 1
	b := r.blocks[last-i]
	name := fmt.Sprintf("up_blocks.%d", i)
	for j := range b.Layers + 1 {
		if x = r.enter(x); x == nil {
			continue
		}
		x = r.Resnet(fmt.Sprintf("%s.resnets.%d", name, j), r.join(i, x, r.skips[r.left]), r.temb, b.Channels,
			r.Config.NormNumGroups, r.Config.NormEps)
		if b.Attention {
			x = r.transformer(fmt.Sprintf("%s.attentions.%d", name, j), x, b, b.Up[j])
		}
	}
	if x == nil {
		return nil
	}
	if i < last {
		// To the size of the next skip, which is not twice this one where a size was odd.
		skip := r.skips[r.left-1]
		x = r.UpConv3(name+".upsamplers.0.conv", x, skip.Dim(1), skip.Dim(2), b.Channels)
		r.G.TapImage(name+".upsamplers.0", x)
	}
	r.G.TapImage(name, x)
	return x
}

// transformer records a Transformer2DModel over the pixels of x.
func (r *recorder) transformer(name string, x *nn.Value, b Block, depth int) *nn.Value {
	h := r.GroupNorm(name+".norm", x, r.Config.NormNumGroups, transformerEps)
	h = r.Linear(name+".proj_in", r.Tokens(h), b.Channels, nn.Identity)
	for k := range depth {
		h = r.transformerBlock(fmt.Sprintf("%s.transformer_blocks.%d", name, k), h, b)
	}
	y := r.Image(r.Linear(name+".proj_out", h, b.Channels, nn.Identity, nn.Residual(r.Tokens(x))), x)
	r.G.TapImage(name, y)
	return y
}

// transformerBlock records self-attention, attention to the text, and a gated
// feed-forward network, each normalised before and added to its input.
func (r *recorder) transformerBlock(name string, x *nn.Value, b Block) *nn.Value {
	const eps = 1e-5
	h := r.LayerNorm(name+".norm1", x, eps)
	x = r.attention(name+".attn1", x, h, h, b.Heads)
	x = r.attention(name+".attn2", x, r.LayerNorm(name+".norm2", x, eps), r.context, b.Heads)
	h = r.Gated(name+".ff.net.0.proj", r.LayerNorm(name+".norm3", x, eps), 4*b.Channels)
	x = r.Linear(name+".ff.net.2", h, b.Channels, nn.Identity, nn.Residual(x))
	r.G.Tap(name, x)
	return x
}

// attention records x + to_out(attention(to_q(q), to_k(kv), to_v(kv))).
func (r *recorder) attention(name string, x, q, kv *nn.Value, heads int) *nn.Value {
	n := x.Dim(-1)
	a := r.patchedAttention(&Attention{
		Graph: r.G, Name: name, Self: q == kv, Heads: heads,
		Query: r.LinearNoBias(name+".to_q", q, n), Key: r.LinearNoBias(name+".to_k", kv, n), Value: r.LinearNoBias(name+".to_v", kv, n),
	})
	return r.Linear(name+".to_out.0", a, n, nn.Identity, nn.Residual(x))
}
