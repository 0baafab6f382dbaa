package clip

import (
	"fmt"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
)

// block is what the layers of a tower have in common: attention and two linear
// layers, each after a norm and beside a shortcut.
type block struct {
	width, intermediate, heads int
	eps                        float32
	act                        nn.Activation
	causal                     bool
}

// activations are the functions that hidden_act may name.
var activations = map[string]nn.Activation{"quick_gelu": nn.QuickGELU, "gelu": nn.GELU, "gelu_pytorch_tanh": nn.GELUTanh}

// layer records a layer with weights below the name, for all rows of x [B,T,C].
func (b block) layer(l layers.Recorder, name string, x *nn.Value) *nn.Value {
	h := l.LayerNorm(name+".layer_norm1", x, b.eps)
	return b.rest(l, name, x, h, h)
}

// layerOfRow records a layer of which only row at of x [B,T,C] is used: [B,1,C].
func (b block) layerOfRow(l layers.Recorder, name string, x *nn.Value, at int) *nn.Value {
	if b.causal {
		l.G.Fail("%s: a row of causal attention", name)
	}
	h := l.LayerNorm(name+".layer_norm1", x, b.eps)
	return b.rest(l, name, l.G.Slice(x, 1, at, at+1), l.G.Slice(h, 1, at, at+1), h)
}

// rest records a layer after its first norm: for rows x, which are q normalised,
// with attention to the rows kv.
func (b block) rest(l layers.Recorder, name string, x, q, kv *nn.Value) *nn.Value {
	a := b.attention(l, name+".self_attn", q, kv, nn.Residual(x))
	return b.mlp(l, name+".layer_norm2", name+".mlp", a)
}

// attention records attention of the rows q to the rows kv, and its projection.
func (b block) attention(l layers.Recorder, name string, q, kv *nn.Value, extra ...nn.Operand) *nn.Value {
	proj := func(part string, x *nn.Value) *nn.Value { return l.Linear(name+"."+part, x, b.width, nn.Identity) }
	a := l.G.Attention(proj("q_proj", q), proj("k_proj", kv), proj("v_proj", kv), nn.Attention{Heads: b.heads, Causal: b.causal})
	return l.Linear(name+".out_proj", a, b.width, nn.Identity, extra...)
}

// mlp records x plus the two linear layers of its norm.
func (b block) mlp(l layers.Recorder, norm, name string, x *nn.Value) *nn.Value {
	h := l.Linear(name+".fc1", l.LayerNorm(norm, x, b.eps), b.intermediate, b.act)
	return l.Linear(name+".fc2", h, b.width, nn.Identity, nn.Residual(x))
}

// layerName returns the name of a layer of a tower.
func layerName(tower string, i int) string { return fmt.Sprintf("%s.encoder.layers.%d", tower, i) }
