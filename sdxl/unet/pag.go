package unet

import (
	"fmt"
	"regexp"

	"github.com/df65613c/easel/nn"
)

// PerturbedAttention makes each pixel see itself alone in the self-attentions
// whose names match, which perturbed-attention guidance (Ahn et al. 2024) guides
// away from.
func PerturbedAttention(names *regexp.Regexp) Patch {
	return Patch{Attention: func(a *Attention, next func() *nn.Value) *nn.Value {
		if a.Self && names.MatchString(a.Name) {
			return a.Value
		}
		return next()
	}}
}

// SelfAttentions returns the names of the self-attentions.
func (u *UNet) SelfAttentions() (names []string) {
	add := func(where string, layers int, b Block) {
		for j := range layers {
			for k := range b.Depth {
				names = append(names, fmt.Sprintf("%s.attentions.%d.transformer_blocks.%d.attn1", where, j, k))
			}
		}
	}
	last := len(u.blocks) - 1
	for i, b := range u.blocks {
		if b.Attention {
			add(fmt.Sprintf("down_blocks.%d", i), b.Layers, b)
		}
	}
	add("mid_block", 1, u.blocks[last])
	for i := range u.blocks {
		if b := u.blocks[last-i]; b.Attention {
			add(fmt.Sprintf("up_blocks.%d", i), b.Layers+1, b)
		}
	}
	return names
}
