package sdxl

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/df65613c/easel/sdxl/unet"
)

// PAG, perturbed-attention guidance, guides away from the prediction in which the pixels of
// some layers attend only to themselves (Ahn et al. 2024, "Self-rectifying
// diffusion sampling with perturbed-attention guidance"): Scale times the
// difference is added to the guided output.
type PAG struct {
	Scale float64 `json:"scale"` // 0 is none; 3 is the paper's
	// Layers are regular expressions of names of the UNet's self-attentions, as
	// diffusers has them; nil is mid.
	Layers []string `json:"layers,omitempty"`
}

// What patterns of layers may be: compiling them takes time and memory.
const (
	maxPatterns = 100
	maxPattern  = 2000 // bytes in all
)

// on reports whether there is any.
func (p *PAG) on() bool { return p != nil && p.Scale != 0 }

// pattern matches the layers.
func (p *PAG) pattern() (*regexp.Regexp, error) {
	layers := p.Layers
	if layers == nil {
		layers = []string{"mid"}
	}
	return regexp.Compile(strings.Join(layers, "|"))
}

// check returns what is wrong with the scale and the patterns.
func (p *PAG) check() error {
	if p == nil {
		return nil
	}
	if !(math.Abs(p.Scale) <= 1000) {
		return fmt.Errorf("scale is %g, want a number up to 1000", p.Scale)
	}
	size := 0
	for _, layer := range p.Layers {
		size += len(layer)
	}
	if len(p.Layers) > maxPatterns || size > maxPattern {
		return fmt.Errorf("layers are %d patterns of %d bytes, want at most %d of %d", len(p.Layers), size, maxPatterns, maxPattern)
	}
	if _, err := p.pattern(); err != nil {
		return fmt.Errorf("layers: %w", err)
	}
	return nil
}

// checkLayers returns an error if no layer of a model matches.
func (p *PAG) checkLayers(m *unet.UNet) error {
	if p == nil {
		return nil
	}
	pattern, err := p.pattern()
	if err != nil {
		return err
	}
	names := m.SelfAttentions()
	if slices.ContainsFunc(names, pattern.MatchString) {
		return nil
	}
	return fmt.Errorf("layers %.200q match none of the self-attentions, which are %s", p.Layers, strings.Join(names, ", "))
}
