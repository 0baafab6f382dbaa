package vae

import (
	"fmt"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/tensor"
)

// vaeEps is the eps of every GroupNorm in the VAE.
const vaeEps = 1e-6

// VAE is the autoencoder between pictures and latents.
type VAE struct {
	Config  Config
	weights layers.Weights
}

// New returns the autoencoder that a configuration describes. Its weights
// have the names of the reference's AutoencoderKL.
func New(c Config, w layers.Weights) (*VAE, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	return &VAE{Config: c, weights: w}, nil
}

// DecoderGraph records the decoder for latents [B,4,h,w], as the UNet gives
// them divided by the scaling factor. Output: image [B,3,8h,8w], about -1 to 1.
func (v *VAE) DecoderGraph(batch, h, w int) (*nn.Graph, error) {
	return nn.Record(func(g *nn.Graph) {
		r := recorder{layers.Recorder{G: g, Weights: v.weights}, &v.Config}
		z := g.Input("latents", tensor.F32, batch, v.Config.LatentChannels, h, w)
		g.Output("image", r.ToNCHW(r.decode(r.FromNCHW(z))))
	})
}

// EncoderGraph records the encoder for pictures [B,3,h,w], -1 to 1, h and w
// multiples of the scale. Outputs: mean and logvar [B,4,h/8,w/8].
func (v *VAE) EncoderGraph(batch, h, w int) (*nn.Graph, error) {
	return nn.Record(func(g *nn.Graph) {
		r := recorder{layers.Recorder{G: g, Weights: v.weights}, &v.Config}
		x := g.Input("image", tensor.F32, batch, v.Config.InChannels, h, w)
		moments := r.ToNCHW(r.encode(r.FromNCHW(x)))
		c := v.Config.LatentChannels
		g.Output("mean", g.Slice(moments, 1, 0, c))
		g.Output("logvar", g.Slice(moments, 1, c, 2*c))
	})
}

type recorder struct {
	layers.Recorder
	config *Config
}

func (r *recorder) decode(z *nn.Value) *nn.Value {
	c := r.config
	if c.UsePostQuantConv {
		z = r.Conv("post_quant_conv", z, c.LatentChannels, 1, 1, nn.Padding{})
	}
	n := len(c.BlockOutChannels)
	x := r.Conv3("decoder.conv_in", z, c.BlockOutChannels[n-1])
	r.G.TapImage("decoder.conv_in", x)
	x = r.mid("decoder.mid_block", x)
	for i := range n {
		ch := c.BlockOutChannels[n-1-i]
		name := fmt.Sprintf("decoder.up_blocks.%d", i)
		for j := range c.LayersPerBlock + 1 {
			x = r.Resnet(fmt.Sprintf("%s.resnets.%d", name, j), x, nil, ch, c.NormNumGroups, vaeEps)
		}
		if i < n-1 {
			x = r.UpConv3(name+".upsamplers.0.conv", x, 2*x.Dim(1), 2*x.Dim(2), ch)
		}
		r.G.TapImage(name, x)
	}
	return r.NormConv3("decoder.conv_norm_out", "decoder.conv_out", x, c.OutChannels, c.NormNumGroups, vaeEps)
}

func (r *recorder) encode(x *nn.Value) *nn.Value {
	c := r.config
	n := len(c.BlockOutChannels)
	x = r.Conv3("encoder.conv_in", x, c.BlockOutChannels[0])
	r.G.TapImage("encoder.conv_in", x)
	for i, ch := range c.BlockOutChannels {
		name := fmt.Sprintf("encoder.down_blocks.%d", i)
		for j := range c.LayersPerBlock {
			x = r.Resnet(fmt.Sprintf("%s.resnets.%d", name, j), x, nil, ch, c.NormNumGroups, vaeEps)
		}
		if i < n-1 {
			x = r.Conv(name+".downsamplers.0.conv", x, ch, 3, 2, nn.Padding{Bottom: 1, Right: 1})
		}
		r.G.TapImage(name, x)
	}
	x = r.mid("encoder.mid_block", x)
	x = r.NormConv3("encoder.conv_norm_out", "encoder.conv_out", x, 2*c.LatentChannels, c.NormNumGroups, vaeEps)
	if c.UseQuantConv {
		x = r.Conv("quant_conv", x, 2*c.LatentChannels, 1, 1, nn.Padding{})
	}
	return x
}

func (r *recorder) mid(name string, x *nn.Value) *nn.Value {
	ch := x.Dim(-1)
	x = r.Resnet(name+".resnets.0", x, nil, ch, r.config.NormNumGroups, vaeEps)
	if r.config.MidAttention {
		x = r.attention(name+".attentions.0", x)
	}
	x = r.Resnet(name+".resnets.1", x, nil, ch, r.config.NormNumGroups, vaeEps)
	r.G.TapImage(name, x)
	return x
}

// attention records self-attention with one head over the pixels of x.
func (r *recorder) attention(name string, x *nn.Value) *nn.Value {
	ch := x.Dim(-1)
	h := r.Tokens(r.GroupNorm(name+".group_norm", x, r.config.NormNumGroups, vaeEps))
	a := r.G.Attention(r.Linear(name+".to_q", h, ch, nn.Identity), r.Linear(name+".to_k", h, ch, nn.Identity),
		r.Linear(name+".to_v", h, ch, nn.Identity), nn.Attention{Heads: 1})
	y := r.Image(r.Linear(name+".to_out.0", a, ch, nn.Identity, nn.Residual(r.Tokens(x))), x)
	r.G.TapImage(name, y)
	return y
}

// FromUNet turns the UNet's latents of one picture into the VAE's.
func (v *VAE) FromUNet(dst, src []float32) {
	c := &v.Config
	plane := len(src) / c.LatentChannels
	for i, x := range src {
		dst[i] = x / float32(c.ScalingFactor)
		if c.LatentsMean != nil {
			k := i / plane
			dst[i] = x*float32(c.LatentsStd[k])/float32(c.ScalingFactor) + float32(c.LatentsMean[k])
		}
	}
}

// ToUNet turns the VAE's latents [B,4,h,w] into the UNet's, in place.
func (v *VAE) ToUNet(z *tensor.Tensor) {
	c := &v.Config
	plane := z.Shape()[2] * z.Shape()[3]
	for i, x := range z.Float32s() {
		if c.LatentsMean == nil {
			z.Float32s()[i] = x * float32(c.ScalingFactor)
			continue
		}
		k := i / plane % c.LatentChannels
		z.Float32s()[i] = (x - float32(c.LatentsMean[k])) * float32(c.ScalingFactor) / float32(c.LatentsStd[k])
	}
}
