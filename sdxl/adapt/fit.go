package adapt

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Targets are the weights of a model, by every name that adapters have for them.
type Targets struct {
	bySpelling map[string]*target
}

// target is a module of a model: a weight, and perhaps a bias.
type target struct {
	component, name string // without .weight
	shape           tensor.Shape
	bias            tensor.Shape // nil is none
}

// width returns how many numbers a row of the weight has.
func (t *target) width() int { return t.shape[1:].NumElements() }

// NewTargets returns the weights of a model for adapters to be fitted to.
func NewTargets(list []Target) *Targets {
	t := &Targets{make(map[string]*target)}
	modules := make(map[[2]string]*target)
	for _, w := range list {
		name, isWeight := strings.CutSuffix(w.Name, ".weight")
		if !isWeight {
			continue
		}
		m := &target{component: w.Component, name: name, shape: w.Shape}
		modules[[2]string{w.Component, name}] = m
		single := strings.TrimSuffix(w.Single, ".weight")
		spellings(w.Component, name, single, func(s string) { t.bySpelling[s] = m })
	}
	for _, w := range list {
		if name, ok := strings.CutSuffix(w.Name, ".bias"); ok {
			if m := modules[[2]string{w.Component, name}]; m != nil {
				m.bias = w.Shape
			}
		}
	}
	return t
}

// Place says where a module of an adapter goes.
type Place struct {
	Module    string  `json:"module"` // as the file names it
	Component string  `json:"component"`
	Weight    string  `json:"weight"` // as the reference names it
	Kind      string  `json:"kind"`
	Rank      int     `json:"rank,omitempty"`
	Alpha     float64 `json:"alpha,omitempty"`
}

// Fitted is an adapter fitted to a model.
type Fitted struct {
	File    *File
	Places  []Place
	Unused  []string // modules and tensors that fit nothing
	changes map[[2]string]*placed
	targets *Targets
}

// placed is a change and where it goes.
type placed struct {
	*target
	change
}

// Fit finds the weights that the file changes. What fits nothing is in Unused; a
// tensor that does not fit its weight is an error.
func (f *File) Fit(t *Targets) (*Fitted, error) {
	family := f.family()
	fit := &Fitted{File: f, Unused: slices.Clone(f.unknown), changes: make(map[[2]string]*placed), targets: t}
	for _, name := range f.Names() {
		to := t.bySpelling[name]
		if to == nil {
			fit.Unused = append(fit.Unused, name)
			continue
		}
		c, err := f.read(f.modules[name], to)
		if err != nil && family != "" {
			return nil, f.otherFamily(family)
		}
		if err != nil {
			return nil, err
		}
		key := [2]string{to.component, to.name}
		if fit.changes[key] != nil {
			return nil, fmt.Errorf("%s: %s and another module both change %s of %s", f.source.Name(), name, to.name, to.component)
		}
		fit.changes[key] = &placed{to, c}
		fit.Places = append(fit.Places, Place{name, to.component, to.name, c.kind, c.rank, c.alpha})
	}
	switch {
	case len(fit.Unused) > 0 && family != "":
		return nil, f.otherFamily(family)
	case len(fit.Places) == 0 && len(f.modules) > 0:
		return nil, fmt.Errorf("%s: none of its %d modules fits the model, such as %s", f.source.Name(), len(f.modules), f.Names()[0])
	}
	return fit, nil
}

func (f *File) otherFamily(family string) error {
	return fmt.Errorf("%s is an adapter for %s, not for Stable Diffusion XL", f.source.Name(), family)
}

// HasBlock reports whether the adapter changes a module of the UNet whose name begins so.
func (fit *Fitted) HasBlock(start string) bool {
	return slices.ContainsFunc(fit.Places, func(p Place) bool { return p.Component == "unet" && begins(p.Weight, start) })
}

// begins reports whether the dotted name of a module is or is below start.
func begins(name, start string) bool { return name == start || strings.HasPrefix(name, start+".") }

// namesShown is how many names an error lists before it only counts.
const namesShown = 8

// Err returns an error that lists what fits nothing, with the nearest names of the
// model, or nil.
func (fit *Fitted) Err() error {
	if len(fit.Unused) == 0 {
		return nil
	}
	var text strings.Builder
	for i, name := range fit.Unused[:min(len(fit.Unused), namesShown)] {
		if i > 0 {
			text.WriteString(", ")
		}
		text.WriteString(name)
		if near := fit.targets.nearest(name); near != "" {
			fmt.Fprintf(&text, " (nearest: %s)", near)
		}
	}
	if n := len(fit.Unused) - namesShown; n > 0 {
		fmt.Fprintf(&text, " and %d more", n)
	}
	return fmt.Errorf("%s: %d names fit nothing in the model (AllowUnused, --allow-unused of the command, leaves them out): %s", fit.File.source.Name(), len(fit.Unused), text.String())
}

// nearest returns the name of the model that has the longest ends in common with
// another, or "" where none is near.
func (t *Targets) nearest(name string) string {
	best, most := "", len(name)/2
	for _, s := range slices.Sorted(maps.Keys(t.bySpelling)) {
		if abs(len(s)-len(name)) > len(name)/3 {
			continue
		}
		if n := common(s, name); n > most {
			best, most = s, n
		}
	}
	return best
}

func abs(n int) int { return max(n, -n) }

// common returns how many bytes two texts begin and end with alike.
func common(a, b string) int {
	least := min(len(a), len(b))
	i, j := 0, 0
	for i < least && a[i] == b[i] {
		i++
	}
	for j < least-i && a[len(a)-1-j] == b[len(b)-1-j] {
		j++
	}
	return i + j
}

// family returns what the file's names and metadata say it is for, if that is not
// Stable Diffusion XL.
func (f *File) family() string {
	meta := f.source.Metadata()
	for _, key := range []string{"modelspec.architecture", "ss_base_model_version"} {
		v := strings.ToLower(meta[key])
		switch {
		case v == "" || strings.Contains(v, "xl"):
		case strings.Contains(v, "flux"):
			return "Flux"
		case strings.Contains(v, "3.5") || strings.Contains(v, "sd3") || strings.Contains(v, "stable-diffusion-v3") || strings.Contains(v, "stable-diffusion-3"):
			return "Stable Diffusion 3"
		case strings.Contains(v, "v2"):
			return "Stable Diffusion 2"
		case strings.Contains(v, "v1"):
			return "Stable Diffusion 1.5"
		}
	}
	names := f.Names()
	has := func(parts ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool {
			return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(n, p) })
		})
	}
	switch {
	case has("double_blocks", "single_blocks", "single_transformer_blocks"):
		return "Flux"
	case has("joint_blocks", "lora_te3_"):
		return "Stable Diffusion 3"
	case has("transformer_blocks_0_attn1", "transformer_blocks.0.attn1") && has("lora_te_", "down_blocks_0_attentions", "down_blocks.0.attentions", "input_blocks_1_1_"):
		return "Stable Diffusion 1.5 or 2"
	case has("layers.0.attention.qkv", "cap_embedder"):
		return "Lumina or Z-Image"
	case has("blocks.0.self_attn", "blocks_0_self_attn"):
		return "Wan"
	case has("transformer.", "transformer_blocks.0.attn."):
		return "a transformer such as Flux or Stable Diffusion 3"
	}
	return ""
}

// deltas calls add with what the adapter adds to each weight at the strengths of a use.
func (fit *Fitted) deltas(u *Use, add func(component, name string, d nn.Delta)) {
	for _, p := range fit.Places {
		c := fit.changes[[2]string{p.Component, p.Weight}]
		by := u.strength(p.Component, p.Weight)
		if by == 0 {
			continue
		}
		for _, d := range c.weights {
			add(p.Component, p.Weight+".weight", nn.Scaled(d, float32(by)))
		}
		for _, d := range c.biases {
			add(p.Component, p.Weight+".bias", nn.Scaled(d, float32(by)))
		}
	}
}
