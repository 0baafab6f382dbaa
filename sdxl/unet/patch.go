package unet

import "github.com/df65613c/easel/nn"

// Patch changes the network while it is recorded. A field that is nil changes
// nothing. If there are several patches, later ones wrap earlier ones.
type Patch struct {
	// Attention returns what an attention gives, before its output layer. Next
	// records what it would be without the patch.
	Attention func(a *Attention, next func() *nn.Value) *nn.Value
	// Join returns what a ResNet block of the given up block takes: the image
	// that comes from below, and the skip. The two are then concatenated.
	Join func(g *nn.Graph, block int, x, skip *nn.Value) (*nn.Value, *nn.Value)
	// Skip returns what the way up takes for skip i of the way down, 0 to
	// Skips()-1.
	Skip func(g *nn.Graph, i int, x *nn.Value) *nn.Value
	// Middle returns what the way up begins with, given the result of the middle
	// block.
	Middle func(g *nn.Graph, x *nn.Value) *nn.Value
}

// Attention is an attention layer while it is recorded.
type Attention struct {
	Graph *nn.Graph
	Name  string // the reference's, such as mid_block.attentions.0.transformer_blocks.0.attn1
	Self  bool   // of pixels to each other, not to the text
	Heads int
	// [B,pixels,C] for Query; [B,pixels or tokens,C] for Key and Value
	Query, Key, Value *nn.Value
}

func (r *recorder) patchedAttention(a *Attention) *nn.Value {
	next := func() *nn.Value { return a.Graph.Attention(a.Query, a.Key, a.Value, nn.Attention{Heads: a.Heads}) }
	for _, p := range r.patches {
		if p.Attention != nil {
			inner := next
			next = func() *nn.Value { return p.Attention(a, inner) }
		}
	}
	return next()
}

// join records what a ResNet block of up block i takes.
func (r *recorder) join(i int, x, skip *nn.Value) *nn.Value {
	for _, p := range r.patches {
		if p.Join != nil {
			x, skip = p.Join(r.G, i, x, skip)
		}
	}
	return r.G.Concat(-1, x, skip)
}

// patchDown applies the patches to what the ways down and through the middle left.
func (r *recorder) patchDown(x *nn.Value) *nn.Value {
	for _, p := range r.patches {
		if p.Skip != nil {
			for i, s := range r.skips {
				r.skips[i] = p.Skip(r.G, i, s)
			}
		}
		if p.Middle != nil && x != nil {
			x = p.Middle(r.G, x)
		}
	}
	return x
}
