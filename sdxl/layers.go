package sdxl

import (
	"github.com/df65613c/easel/nn"
)

// Weights finds the parameters of a network by the reference's names. A weight
// that is missing or of another shape fails when it is loaded.
type Weights interface {
	Weight(name string, shape ...int) *nn.Weight
}

// layers records the layers that the networks share, by parameter name.
type layers struct {
	g *nn.Graph
	p Weights
}

// linear records x W^T + b with name.weight [out,in] and name.bias.
func (l layers) linear(name string, x *nn.Value, out int, act nn.Activation, extra ...nn.Operand) *nn.Value {
	return l.g.Linear(x, nn.Linear{
		Weight: l.p.Weight(name+".weight", out, x.Dim(-1)), Bias: l.p.Weight(name+".bias", out), Act: act,
	}, extra...)
}

// gated records a linear layer of twice so many outputs that GEGLU halves.
func (l layers) gated(name string, x *nn.Value, out int) *nn.Value {
	return l.g.Linear(x, nn.Linear{
		Weight: l.p.Weight(name+".weight", 2*out, x.Dim(-1)), Bias: l.p.Weight(name+".bias", 2*out), Gated: true,
	})
}

// linearNoBias records x W^T.
func (l layers) linearNoBias(name string, x *nn.Value, out int) *nn.Value {
	return l.g.Linear(x, nn.Linear{Weight: l.p.Weight(name+".weight", out, x.Dim(-1))})
}

// conv records a convolution with name.weight [out,in,k,k] and name.bias.
func (l layers) conv(name string, x *nn.Value, out, k, stride int, pad nn.Padding, extra ...nn.Operand) *nn.Value {
	return l.g.Conv2D(x, nn.Conv2D{
		Weight: l.p.Weight(name+".weight", out, x.Dim(-1), k, k), Bias: l.p.Weight(name+".bias", out), Stride: stride, Pad: pad,
	}, extra...)
}

// conv3 records a convolution of 3x3 that keeps the size.
func (l layers) conv3(name string, x *nn.Value, out int, extra ...nn.Operand) *nn.Value {
	return l.conv(name, x, out, 3, 1, nn.Pad(1), extra...)
}

// upConv3 records a convolution of 3x3 of the image resized to h x w.
func (l layers) upConv3(name string, x *nn.Value, h, w, out int) *nn.Value {
	if h != 2*x.Dim(1) || w != 2*x.Dim(2) {
		return l.conv3(name, l.g.Upsample(x, h, w), out)
	}
	return l.g.UpsampleConv2D(x, nn.UpsampleConv2D{
		Weight: l.p.Weight(name+".weight", out, x.Dim(-1), 3, 3), Bias: l.p.Weight(name+".bias", out),
	})
}

// normConv3 records a convolution of 3x3 of the SiLU of a normalised image.
func (l layers) normConv3(norm, conv string, x *nn.Value, out, groups int, eps float32, extra ...nn.Operand) *nn.Value {
	c := x.Dim(-1)
	return l.g.Conv2D(x, nn.Conv2D{
		Norm:   l.norm(norm, c, groups, eps, nn.SiLU),
		Weight: l.p.Weight(conv+".weight", out, c, 3, 3), Bias: l.p.Weight(conv+".bias", out), Pad: nn.Pad(1),
	}, extra...)
}

func (l layers) norm(name string, c, groups int, eps float32, act nn.Activation) *nn.GroupNorm {
	return &nn.GroupNorm{Groups: groups, Eps: eps, Scale: l.p.Weight(name+".weight", c), Shift: l.p.Weight(name+".bias", c), Act: act}
}

func (l layers) groupNorm(name string, x *nn.Value, groups int, eps float32) *nn.Value {
	return l.g.GroupNorm(x, *l.norm(name, x.Dim(-1), groups, eps, nn.Identity))
}

func (l layers) layerNorm(name string, x *nn.Value, eps float32) *nn.Value {
	c := x.Dim(-1)
	return l.g.LayerNorm(x, nn.LayerNorm{Eps: eps, Scale: l.p.Weight(name+".weight", c), Shift: l.p.Weight(name+".bias", c)})
}

// resnet records a ResnetBlock2D: two convolutions around the time embedding
// (none if temb is nil), and a shortcut.
func (l layers) resnet(name string, x, temb *nn.Value, out, groups int, eps float32) *nn.Value {
	var extra []nn.Operand
	if temb != nil {
		extra = append(extra, nn.ChannelBias(l.linear(name+".time_emb_proj", temb, out, nn.Identity)))
	}
	h := l.normConv3(name+".norm1", name+".conv1", x, out, groups, eps, extra...)
	if x.Dim(-1) != out {
		x = l.conv(name+".conv_shortcut", x, out, 1, 1, nn.Padding{})
	}
	y := l.normConv3(name+".norm2", name+".conv2", h, out, groups, eps, nn.Residual(x))
	l.g.TapImage(name, y)
	return y
}

// tokens views an NHWC image as a sequence of pixels.
func (l layers) tokens(x *nn.Value) *nn.Value {
	return l.g.Reshape(x, x.Dim(0), x.Dim(1)*x.Dim(2), x.Dim(3))
}

// image views a sequence as an image of like's height and width.
func (l layers) image(x, like *nn.Value) *nn.Value {
	return l.g.Reshape(x, x.Dim(0), like.Dim(1), like.Dim(2), x.Dim(2))
}

// fromNCHW and toNCHW change between the reference's layout and the graph's.
func (l layers) fromNCHW(x *nn.Value) *nn.Value { return l.g.Transpose(x, 0, 2, 3, 1) }

func (l layers) toNCHW(x *nn.Value) *nn.Value { return l.g.Transpose(x, 0, 3, 1, 2) }
