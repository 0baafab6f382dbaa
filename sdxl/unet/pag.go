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
	add := func(where string, depths []int) {
		for j, depth := range depths {
			for k := range depth {
				names = append(names, fmt.Sprintf("%s.attentions.%d.transformer_blocks.%d.attn1", where, j, k))
			}
		}
	}
	last := len(u.blocks) - 1
	for i, b := range u.blocks {
		if b.Attention {
			add(fmt.Sprintf("down_blocks.%d", i), b.Down)
		}
	}
	add("mid_block", []int{u.midDepth()})
	for i := range u.blocks {
		if b := u.blocks[last-i]; b.Attention {
			add(fmt.Sprintf("up_blocks.%d", i), b.Up)
		}
	}
	return names
}
