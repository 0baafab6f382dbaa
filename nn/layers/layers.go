// Package layers records the layers that networks share, with weights by the
// reference's names.
package layers

import (
	"github.com/df65613c/easel/nn"
)

// Weights finds the parameters of a network by the reference's names. A weight
// that is missing or of another shape fails when it is loaded.
type Weights interface {
	Weight(name string, shape ...int) *nn.Weight
}

// Recorder records the layers that the networks share, by parameter name.
type Recorder struct {
	G       *nn.Graph
	Weights Weights
}

// Linear records x W^T + b with name.weight [out,in] and name.bias.
func (l Recorder) Linear(name string, x *nn.Value, out int, act nn.Activation, extra ...nn.Operand) *nn.Value {
	return l.G.Linear(x, nn.Linear{
		Weight: l.Weights.Weight(name+".weight", out, x.Dim(-1)), Bias: l.Weights.Weight(name+".bias", out), Act: act,
	}, extra...)
}

// Gated records a linear layer with GEGLU, which makes out results from twice
// as many products.
func (l Recorder) Gated(name string, x *nn.Value, out int) *nn.Value {
	return l.G.Linear(x, nn.Linear{
		Weight: l.Weights.Weight(name+".weight", 2*out, x.Dim(-1)), Bias: l.Weights.Weight(name+".bias", 2*out), Gated: true,
	})
}

// LinearNoBias records x W^T.
func (l Recorder) LinearNoBias(name string, x *nn.Value, out int) *nn.Value {
	return l.G.Linear(x, nn.Linear{Weight: l.Weights.Weight(name+".weight", out, x.Dim(-1))})
}

// Conv records a convolution with name.weight [out,in,k,k] and name.bias.
func (l Recorder) Conv(name string, x *nn.Value, out, k, stride int, pad nn.Padding, extra ...nn.Operand) *nn.Value {
	return l.G.Conv2D(x, nn.Conv2D{
		Weight: l.Weights.Weight(name+".weight", out, x.Dim(-1), k, k), Bias: l.Weights.Weight(name+".bias", out),
		Stride: stride, Pad: pad,
	}, extra...)
}

// Conv3 records a 3x3 convolution that keeps the size.
func (l Recorder) Conv3(name string, x *nn.Value, out int, extra ...nn.Operand) *nn.Value {
	return l.Conv(name, x, out, 3, 1, nn.Pad(1), extra...)
}

// UpConv3 records a 3x3 convolution of the image resized to h x w.
func (l Recorder) UpConv3(name string, x *nn.Value, h, w, out int) *nn.Value {
	if h != 2*x.Dim(1) || w != 2*x.Dim(2) {
		return l.Conv3(name, l.G.Upsample(x, h, w), out)
	}
	return l.G.UpsampleConv2D(x, nn.UpsampleConv2D{
		Weight: l.Weights.Weight(name+".weight", out, x.Dim(-1), 3, 3), Bias: l.Weights.Weight(name+".bias", out),
	})
}

// NormConv3 records a 3x3 convolution of the SiLU of a normalised image.
func (l Recorder) NormConv3(norm, conv string, x *nn.Value, out, groups int, eps float32, extra ...nn.Operand) *nn.Value {
	c := x.Dim(-1)
	return l.G.Conv2D(x, nn.Conv2D{
		Norm:   l.norm(norm, c, groups, eps, nn.SiLU),
		Weight: l.Weights.Weight(conv+".weight", out, c, 3, 3), Bias: l.Weights.Weight(conv+".bias", out), Pad: nn.Pad(1),
	}, extra...)
}

func (l Recorder) norm(name string, c, groups int, eps float32, act nn.Activation) *nn.GroupNorm {
	return &nn.GroupNorm{Groups: groups, Eps: eps, Scale: l.Weights.Weight(name+".weight", c),
		Shift: l.Weights.Weight(name+".bias", c), Act: act}
}

// GroupNorm records a normalisation of x [B,h,w,C] in groups of channels.
func (l Recorder) GroupNorm(name string, x *nn.Value, groups int, eps float32) *nn.Value {
	return l.G.GroupNorm(x, *l.norm(name, x.Dim(-1), groups, eps, nn.Identity))
}

// LayerNorm records a normalisation of each row of x.
func (l Recorder) LayerNorm(name string, x *nn.Value, eps float32) *nn.Value {
	c := x.Dim(-1)
	return l.G.LayerNorm(x, nn.LayerNorm{Eps: eps, Scale: l.Weights.Weight(name+".weight", c),
		Shift: l.Weights.Weight(name+".bias", c)})
}

// Resnet records a ResnetBlock2D: two convolutions around the time embedding
// (none if temb is nil), and a shortcut.
func (l Recorder) Resnet(name string, x, temb *nn.Value, out, groups int, eps float32) *nn.Value {
	var extra []nn.Operand
	if temb != nil {
		extra = append(extra, nn.ChannelBias(l.Linear(name+".time_emb_proj", temb, out, nn.Identity)))
	}
	h := l.NormConv3(name+".norm1", name+".conv1", x, out, groups, eps, extra...)
	if x.Dim(-1) != out {
		x = l.Conv(name+".conv_shortcut", x, out, 1, 1, nn.Padding{})
	}
	y := l.NormConv3(name+".norm2", name+".conv2", h, out, groups, eps, nn.Residual(x))
	l.G.TapImage(name, y)
	return y
}

// Tokens views an NHWC image as a sequence of pixels.
func (l Recorder) Tokens(x *nn.Value) *nn.Value {
	return l.G.Reshape(x, x.Dim(0), x.Dim(1)*x.Dim(2), x.Dim(3))
}

// Image views a sequence as an image of like's height and width.
func (l Recorder) Image(x, like *nn.Value) *nn.Value {
	return l.G.Reshape(x, x.Dim(0), like.Dim(1), like.Dim(2), x.Dim(2))
}

// FromNCHW takes the reference's layout to the graph's.
func (l Recorder) FromNCHW(x *nn.Value) *nn.Value { return l.G.Transpose(x, 0, 2, 3, 1) }

// ToNCHW takes the graph's layout to the reference's.
func (l Recorder) ToNCHW(x *nn.Value) *nn.Value { return l.G.Transpose(x, 0, 3, 1, 2) }
