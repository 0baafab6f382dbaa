package sdxl

import (
	"fmt"
	"math"
	"regexp"
	"strings"
)

// PerturbedAttention guides away from what the network makes of the prompt when
// pixels of some layers see only themselves (Ahn et al. 2024, "Self-rectifying
// diffusion sampling with perturbed-attention guidance"): Scale times the
// difference is added to the guided output.
type PerturbedAttention struct {
	Scale float64 `json:"scale"` // 0 is none; 3 is the paper's
	// Layers are regular expressions of names of the UNet's self-attentions, as
	// diffusers has them; nil is mid.
	Layers []string `json:"layers,omitempty"`
}

// on reports whether there is any.
func (p *PerturbedAttention) on() bool { return p != nil && p.Scale != 0 }

// pattern matches the layers.
func (p *PerturbedAttention) pattern() (*regexp.Regexp, error) {
	layers := p.Layers
	if layers == nil {
		layers = []string{"mid"}
	}
	return regexp.Compile(strings.Join(layers, "|"))
}

// check returns what is wrong with the layers for a model.
func (p *PerturbedAttention) check(m *UNet) error {
	if p == nil {
		return nil
	}
	if !(math.Abs(p.Scale) <= 1000) {
		return fmt.Errorf("pag scale is %g, want a number up to 1000", p.Scale)
	}
	pattern, err := p.pattern()
	if err != nil {
		return fmt.Errorf("pag layers: %w", err)
	}
	names := m.selfAttentions()
	for _, name := range names {
		if pattern.MatchString(name) {
			return nil
		}
	}
	return fmt.Errorf("pag layers %q match none of the self-attentions, which are %s", p.Layers, strings.Join(names, ", "))
}

// selfAttentions returns the names of the self-attentions.
func (u *UNet) selfAttentions() (names []string) {
	add := func(where string, layers int, b unetBlock) {
		for j := range layers {
			for k := range b.depth {
				names = append(names, fmt.Sprintf("%s.attentions.%d.transformer_blocks.%d.attn1", where, j, k))
			}
		}
	}
	last := len(u.blocks) - 1
	for i, b := range u.blocks {
		if b.attention {
			add(fmt.Sprintf("down_blocks.%d", i), b.layers, b)
		}
	}
	add("mid_block", 1, u.blocks[last])
	for i := range u.blocks {
		if b := u.blocks[last-i]; b.attention {
			add(fmt.Sprintf("up_blocks.%d", i), b.layers+1, b)
		}
	}
	return names
}
