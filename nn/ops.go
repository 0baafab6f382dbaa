package nn

import (
	"fmt"

	"github.com/df65613c/easel/tensor"
)

// Op is one of the operations of this package; the set is closed.
type Op interface {
	Name() string
	op()
}

// Activation is a function applied to each element.
type Activation uint8

const (
	Identity  Activation = iota
	SiLU                 // x sigmoid(x)
	GELU                 // x Phi(x), exact (erf)
	QuickGELU            // x sigmoid(1.702 x)
	GELUTanh             // x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), GELU approximated (Hendrycks and Gimpel 2016)
)

func (a Activation) String() string {
	names := [...]string{"identity", "silu", "gelu", "quick_gelu", "gelu_tanh"}
	if int(a) < len(names) {
		return names[a]
	}
	return fmt.Sprintf("activation %d", uint8(a))
}

// Padding is the number of zero rows and columns around an image.
type Padding struct{ Top, Left, Bottom, Right int }

// Pad returns the same padding on all sides.
func Pad(n int) Padding { return Padding{n, n, n, n} }

type (
	// Linear is y = act(x W^T + b + residual), with W [N,K] and x [...,K].
	Linear struct {
		Weight, Bias *Weight // Bias may be nil
		Act          Activation
		Gated        bool // the result goes through GEGLU, which halves it
		residual     bool
	}
	// Conv2D is a convolution of an NHWC image with W [O,I,KH,KW]:
	// y = act(conv(norm(x)) + b + channelBias + residual).
	Conv2D struct {
		Norm         *GroupNorm // of the image first; may be nil
		Weight, Bias *Weight    // Bias may be nil
		Stride       int        // 0 is 1
		Pad          Padding
		Act          Activation
		channelBias  bool
		residual     bool
		window       *Window
	}
	// GroupNorm normalises groups of channels over an image [B,...,C], then
	// scales and shifts each channel (Wu and He 2018).
	GroupNorm struct {
		Groups       int
		Eps          float32
		Scale, Shift *Weight
		Act          Activation
	}
	// GroupMoments is the sum, and the sum of squares, of each group of channels
	// over each row of an image [1,H,W,C]: F64 [H,Groups,2].
	GroupMoments struct{ Groups int }
	// GroupScale gives what Norm multiplies each channel by, and then adds to it:
	// [2,C]. It is made from the moments of all rows of an image; each operand
	// has those of some rows.
	GroupScale struct {
		Norm   *GroupNorm
		Pixels int
	}
	// LayerNorm normalises the last axis (Ba et al. 2016).
	LayerNorm struct {
		Eps          float32
		Scale, Shift *Weight
	}
	// Attention is softmax(scale Q K^T) V for each head; Q [B,T,heads*D],
	// K and V [B,S,heads*D]. Scale is positive, or 0 for 1/sqrt(D).
	Attention struct {
		Heads  int
		Scale  float32
		Causal bool
	}
	// AttentionReceived is how much attention each key gets: softmax(scale Q K^T)
	// summed over the queries, in the mean of the heads. Q [B,T,heads*D] and
	// K [B,S,heads*D] give [B,S]. Scale is positive, or 0 for 1/sqrt(D).
	AttentionReceived struct {
		Heads int
		Scale float32
	}
	// GEGLU splits the last axis in halves a, b and gives a gelu(b) (Shazeer 2020).
	GEGLU struct{}
	// Activate applies an activation.
	Activate struct{ Act Activation }
	// Add is the sum of two values of one shape; the second may be [B,1,..,1,C].
	Add struct{}
	// Mul is the elementwise product of two values of one shape.
	Mul struct{}
	// Affine is y = Scale x + Shift.
	Affine struct{ Scale, Shift float32 }
	// Concat joins values along an axis.
	Concat struct{ Axis int }
	// Slice takes elements Start to Stop-1 along an axis.
	Slice struct{ Axis, Start, Stop int }
	// Upsample resizes an NHWC image to H x W by nearest neighbour.
	Upsample struct{ H, W int }
	// UpsampleConv2D doubles an NHWC image by nearest neighbour and convolves it
	// with W [O,I,3,3], padded by one: y = conv(upsample(x)) + b.
	UpsampleConv2D struct {
		Weight, Bias *Weight // Bias may be nil
		window       *Window
	}
	// FourierFilter multiplies the lowest frequencies, 0 and -1 along each axis,
	// of every channel of an NHWC image by Scale, and takes the real part.
	FourierFilter struct{ Scale float32 }
	// Embedding looks ids [B,T] up in a table [V,C] and adds positions [T',C], T' >= T,
	// unless they are nil.
	Embedding struct{ Table, Positions *Weight }
	// Parameter is a weight as a value [B,...], the same for each of the B rows.
	Parameter struct{ Weight *Weight }
	// TimestepEmbedding maps numbers [...] to [...,Dim]: cosines, then sines,
	// of x 10000^(-i/(Dim/2)) (Vaswani et al. 2017, in the order of SDXL).
	TimestepEmbedding struct{ Dim int }
	// TokenRow takes from x [B,T,C] the row at the first position where ids
	// [B,T] equal Token, or hold their maximum if Token is negative. Where the
	// token is missing it is row 0.
	TokenRow struct{ Token int32 }
	// Transpose permutes the axes.
	Transpose struct{ Perm []int }
	// Cast converts the elements; to the same type it is a copy.
	Cast struct{ To tensor.DType }
)

// HasResidual reports whether the last operand is added to the result.
func (o Linear) HasResidual() bool { return o.residual }

// HasResidual reports whether the last operand is added to the result.
func (o Conv2D) HasResidual() bool { return o.residual }

// HasChannelBias reports whether the second operand [B,O] is added to every pixel.
func (o Conv2D) HasChannelBias() bool { return o.channelBias }

// Window returns what a part of the operation reads and makes, or nil if it is whole.
func (o Conv2D) Window() *Window { return o.window }

// Window returns what a part of the operation reads and makes, or nil if it is whole.
func (o UpsampleConv2D) Window() *Window { return o.window }

func (Linear) Name() string            { return "Linear" }
func (Conv2D) Name() string            { return "Conv2D" }
func (GroupNorm) Name() string         { return "GroupNorm" }
func (GroupMoments) Name() string      { return "GroupMoments" }
func (GroupScale) Name() string        { return "GroupScale" }
func (LayerNorm) Name() string         { return "LayerNorm" }
func (Attention) Name() string         { return "Attention" }
func (AttentionReceived) Name() string { return "AttentionReceived" }
func (GEGLU) Name() string             { return "GEGLU" }
func (Activate) Name() string          { return "Activate" }
func (Add) Name() string               { return "Add" }
func (Mul) Name() string               { return "Mul" }
func (Affine) Name() string            { return "Affine" }
func (Concat) Name() string            { return "Concat" }
func (Slice) Name() string             { return "Slice" }
func (Upsample) Name() string          { return "Upsample" }
func (UpsampleConv2D) Name() string    { return "UpsampleConv2D" }
func (FourierFilter) Name() string     { return "FourierFilter" }
func (Embedding) Name() string         { return "Embedding" }
func (Parameter) Name() string         { return "Parameter" }
func (TimestepEmbedding) Name() string { return "TimestepEmbedding" }
func (TokenRow) Name() string          { return "TokenRow" }
func (Transpose) Name() string         { return "Transpose" }
func (Cast) Name() string              { return "Cast" }

func (Linear) op()            {}
func (Conv2D) op()            {}
func (GroupNorm) op()         {}
func (GroupMoments) op()      {}
func (GroupScale) op()        {}
func (LayerNorm) op()         {}
func (Attention) op()         {}
func (AttentionReceived) op() {}
func (GEGLU) op()             {}
func (Activate) op()          {}
func (Add) op()               {}
func (Mul) op()               {}
func (Affine) op()            {}
func (Concat) op()            {}
func (Slice) op()             {}
func (Upsample) op()          {}
func (UpsampleConv2D) op()    {}
func (FourierFilter) op()     {}
func (Embedding) op()         {}
func (Parameter) op()         {}
func (TimestepEmbedding) op() {}
func (TokenRow) op()          {}
func (Transpose) op()         {}
func (Cast) op()              {}
