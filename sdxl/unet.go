package sdxl

import (
	"fmt"
	"regexp"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// transformerEps is the GroupNorm's in front of the UNet's transformers, which
// is not the configuration's.
const transformerEps = 1e-6

// UNet is the denoising network.
type UNet struct {
	Config UNetConfig
	blocks []unetBlock
	params *params
}

// ContextDim returns the width of the text's hidden states.
func (u *UNet) ContextDim() int { return u.blocks[len(u.blocks)-1].context }

// timeIDs is how many numbers the base model is conditioned on: the original
// size, the crop's corner and the target size, each as height and width.
const timeIDs = 6

// PooledDim returns the width of the pooled text embedding.
func (u *UNet) PooledDim() int { return u.Config.AdditionInputDim - timeIDs*u.Config.AdditionTimeDim }

// Graph records the network for a batch of latents of h x w and a text of so
// many tokens. Inputs: sample [B,4,h,w], timestep [B], encoder_hidden_states
// [B,tokens,C], text_embeds [B,pooled], time_ids [B,6]. Output: out [B,4,h,w].
// Taps have the names of the reference's modules.
func (u *UNet) Graph(batch, h, w, tokens int) (*nn.Graph, error) {
	return u.record(batch, h, w, tokens, nil)
}

// record records the network as option makes it, which may be nil.
func (u *UNet) record(batch, h, w, tokens int, option func(*unetRecorder)) (*nn.Graph, error) {
	return nn.Record(func(g *nn.Graph) {
		r := unetRecorder{layers: layers{g, u.params}, UNet: u, left: u.skips(), cut: -1}
		if option != nil {
			option(&r)
		}
		sample := g.Input("sample", tensor.F32, batch, u.Config.InChannels, h, w)
		timestep := g.Input("timestep", tensor.F32, batch)
		r.context = g.Input("encoder_hidden_states", tensor.F32, batch, tokens, u.ContextDim())
		text := g.Input("text_embeds", tensor.F32, batch, u.PooledDim())
		ids := g.Input("time_ids", tensor.F32, batch, timeIDs)
		g.Output("out", r.forward(sample, timestep, text, ids))
		if r.deep != nil {
			g.Output(deepValue, r.deep)
		}
		if r.change != nil {
			g.Output(changeValue, r.change)
		}
		if r.received != nil {
			g.Output(receivedValue, r.received)
		}
	})
}

type unetRecorder struct {
	layers
	*UNet
	context *nn.Value
	temb    *nn.Value   // SiLU of the time embedding, as every ResNet block takes it
	skips   []*nn.Value // of the way down, for the way up
	left    int         // how many the way up has still to take

	perturb  *regexp.Regexp // names of self-attentions in which each pixel sees itself alone, or nil
	freeU    *FreeU         // or nil
	listen   string         // the name of the self-attention to tell received of, or ""
	received *nn.Value      // the attention that each of its pixels gets

	cut    int       // the skip at which a cache cuts the way up, or -1
	cached *nn.Value // what the layers below the cut gave, which are then left out
	deep   *nn.Value // what enters the way up at the cut

	firstBlock bool      // a cache takes deep and cached to be what is added to the first block's result
	first      *nn.Value // that result
	change     *nn.Value // what the first block adds to its input
}

// below reports whether the next layer on the way down is left out.
func (r *unetRecorder) below() bool { return r.cached != nil && len(r.skips) > r.cut }

// enter returns the image that meets the next skip on the way up, nil where
// that is left out.
func (r *unetRecorder) enter(x *nn.Value) *nn.Value {
	r.left--
	switch {
	case r.left == r.cut && r.cached != nil:
		return r.cached
	case r.left == r.cut:
		r.deep = x
	}
	return x // nil above the cut
}

func (r *unetRecorder) forward(sample, timestep, text, ids *nn.Value) *nn.Value {
	c, g := &r.Config, r.g
	r.embed(timestep, text, ids)
	x := r.conv3("conv_in", r.fromNCHW(sample), c.BlockOutChannels[0])
	g.TapImage("conv_in", x)
	if r.firstBlock && r.cached != nil {
		return r.aroundFirst(x)
	}
	r.skips = []*nn.Value{x}
	for i := range r.blocks {
		x = r.down(i, x)
	}
	if r.cached != nil {
		x = nil // until the cut
	} else {
		x = r.mid(x)
	}
	for i := range r.blocks {
		x = r.up(i, x)
	}
	if r.firstBlock {
		r.deep = g.Add(x, g.Affine(r.first, -1, 0))
	}
	return r.output(x)
}

// output records the last layers.
func (r *unetRecorder) output(x *nn.Value) *nn.Value {
	c := &r.Config
	return r.toNCHW(r.normConv3("conv_norm_out", "conv_out", x, c.OutChannels, c.NormNumGroups, c.NormEps))
}

// embed records the embedding of time, pooled text, sizes and crop.
func (r *unetRecorder) embed(timestep, text, ids *nn.Value) {
	c, g := &r.Config, r.g
	dim := 4 * c.BlockOutChannels[0]
	mlp := func(name string, x *nn.Value, extra ...nn.Operand) *nn.Value {
		h := r.linear(name+".linear_1", x, dim, nn.SiLU)
		return r.linear(name+".linear_2", h, dim, nn.Identity, extra...)
	}
	t := mlp("time_embedding", g.TimestepEmbedding(timestep, c.BlockOutChannels[0]))
	g.Tap("time_embedding", t)
	ids = g.TimestepEmbedding(ids, c.AdditionTimeDim)
	ids = g.Reshape(ids, ids.Dim(0), ids.Dim(1)*ids.Dim(2))
	aug := mlp("add_embedding", g.Concat(-1, text, ids))
	g.Tap("add_embedding", aug)
	r.temb = g.Activate(g.Add(t, aug), nn.SiLU)
}

func (r *unetRecorder) down(i int, x *nn.Value) *nn.Value {
	b := r.blocks[i]
	name := fmt.Sprintf("down_blocks.%d", i)
	for j := range b.layers {
		if r.below() {
			return x
		}
		x = r.resnet(fmt.Sprintf("%s.resnets.%d", name, j), x, r.temb, b.channels, r.Config.NormNumGroups, r.Config.NormEps)
		if i == 0 && j == 0 {
			r.first = x
		}
		if b.attention {
			x = r.transformer(fmt.Sprintf("%s.attentions.%d", name, j), x, b)
		}
		r.skips = append(r.skips, x)
	}
	if i < len(r.blocks)-1 && !r.below() {
		x = r.conv(name+".downsamplers.0.conv", x, b.channels, 3, 2, nn.Pad(1))
		r.g.TapImage(name+".downsamplers.0", x)
		r.skips = append(r.skips, x)
	}
	r.g.TapImage(name, x)
	return x
}

func (r *unetRecorder) mid(x *nn.Value) *nn.Value {
	b := r.blocks[len(r.blocks)-1]
	x = r.resnet("mid_block.resnets.0", x, r.temb, b.channels, r.Config.NormNumGroups, r.Config.NormEps)
	x = r.transformer("mid_block.attentions.0", x, b)
	x = r.resnet("mid_block.resnets.1", x, r.temb, b.channels, r.Config.NormNumGroups, r.Config.NormEps)
	r.g.TapImage("mid_block", x)
	return x
}

func (r *unetRecorder) up(i int, x *nn.Value) *nn.Value {
	last := len(r.blocks) - 1
	b := r.blocks[last-i]
	name := fmt.Sprintf("up_blocks.%d", i)
	for j := range b.layers + 1 {
		if x = r.enter(x); x == nil {
			continue
		}
		x = r.resnet(fmt.Sprintf("%s.resnets.%d", name, j), r.join(i, x, r.skips[r.left]), r.temb, b.channels, r.Config.NormNumGroups, r.Config.NormEps)
		if b.attention {
			x = r.transformer(fmt.Sprintf("%s.attentions.%d", name, j), x, b)
		}
	}
	if x == nil {
		return nil
	}
	if i < last {
		// To the size of the next skip, which is not twice this one where a size was odd.
		skip := r.skips[r.left-1]
		x = r.upConv3(name+".upsamplers.0.conv", x, skip.Dim(1), skip.Dim(2), b.channels)
		r.g.TapImage(name+".upsamplers.0", x)
	}
	r.g.TapImage(name, x)
	return x
}

// transformer records a Transformer2DModel over the pixels of x.
func (r *unetRecorder) transformer(name string, x *nn.Value, b unetBlock) *nn.Value {
	h := r.groupNorm(name+".norm", x, r.Config.NormNumGroups, transformerEps)
	h = r.linear(name+".proj_in", r.tokens(h), b.channels, nn.Identity)
	for k := range b.depth {
		h = r.transformerBlock(fmt.Sprintf("%s.transformer_blocks.%d", name, k), h, b)
	}
	y := r.image(r.linear(name+".proj_out", h, b.channels, nn.Identity, nn.Residual(r.tokens(x))), x)
	r.g.TapImage(name, y)
	return y
}

// transformerBlock records self-attention, attention to the text, and a gated
// feed-forward network, each normalised before and added to its input.
func (r *unetRecorder) transformerBlock(name string, x *nn.Value, b unetBlock) *nn.Value {
	const eps = 1e-5
	h := r.layerNorm(name+".norm1", x, eps)
	x = r.attention(name+".attn1", x, h, h, b.heads)
	x = r.attention(name+".attn2", x, r.layerNorm(name+".norm2", x, eps), r.context, b.heads)
	h = r.gated(name+".ff.net.0.proj", r.layerNorm(name+".norm3", x, eps), 4*b.channels)
	x = r.linear(name+".ff.net.2", h, b.channels, nn.Identity, nn.Residual(x))
	r.g.Tap(name, x)
	return x
}

// attention records x + to_out(attention(to_q(q), to_k(kv), to_v(kv))).
func (r *unetRecorder) attention(name string, x, q, kv *nn.Value, heads int) *nn.Value {
	n := x.Dim(-1)
	v := r.linearNoBias(name+".to_v", kv, n)
	a := v
	if r.perturb == nil || q != kv || !r.perturb.MatchString(name) {
		q, k := r.linearNoBias(name+".to_q", q, n), r.linearNoBias(name+".to_k", kv, n)
		if name == r.listen {
			r.received = r.g.AttentionReceived(q, k, nn.AttentionReceived{Heads: heads})
		}
		a = r.g.Attention(q, k, v, nn.Attention{Heads: heads})
	}
	return r.linear(name+".to_out.0", a, n, nn.Identity, nn.Residual(x))
}
