package unet

import "github.com/df65613c/easel/nn"

// ReceivedValue is the name of the output that ReceivedAttention adds.
const ReceivedValue = "received"

// middleAttention is the first self-attention in the middle of the network.
const middleAttention = "mid_block.attentions.0.transformer_blocks.0.attn1"

// HasMiddleAttention reports whether the network has attention in its middle.
func (u *UNet) HasMiddleAttention() bool { return u.midDepth() > 0 }

// ReceivedAttention adds an output: the attention that each pixel in the middle
// of the network gets [B,pixels], with a mean of 1, which self-attention
// guidance (Hong et al. 2023) looks at.
func ReceivedAttention() Patch {
	return Patch{Attention: func(a *Attention, next func() *nn.Value) *nn.Value {
		if a.Name == middleAttention {
			a.Graph.Output(ReceivedValue, a.Graph.AttentionReceived(a.Query, a.Key, nn.AttentionReceived{Heads: a.Heads}))
		}
		return next()
	}}
}
