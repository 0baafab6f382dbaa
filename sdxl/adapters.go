package sdxl

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/nn/layers"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/unet"
)

// Adapter is a LoRA, or another change of weights, as a picture uses it.
type Adapter struct {
	Name       string   `json:"name"`                  // in the pipeline's library
	Weight     *float64 `json:"weight,omitempty"`      // its strength in the UNet; nil is 1, 0 is none
	TextWeight *float64 `json:"text_weight,omitempty"` // and in the text encoders; nil is Weight
	// Blocks multiply the strength in parts of the UNet.
	Blocks []AdapterBlock `json:"blocks,omitempty"`
}

// AdapterBlock is how strong an adapter is in a part of the UNet.
type AdapterBlock struct {
	Name   string  `json:"name"` // how the names of its modules begin, such as down_blocks.1 or mid_block
	Weight float64 `json:"weight"`
}

// Bounds of adapters.
const (
	maxAdapters      = 32
	maxAdapterBlocks = 64
	maxAdapterWeight = 100
)

func (o *Options) checkAdapters(e *FieldErrors) {
	e.want(len(o.Adapters) <= maxAdapters, "adapters", "are %d, want at most %d", len(o.Adapters), maxAdapters)
	weight := func(field string, w float64) {
		e.want(w >= -maxAdapterWeight && w <= maxAdapterWeight, field, "is %g, want %d to %d", w, -maxAdapterWeight, maxAdapterWeight)
	}
	for i, a := range o.Adapters[:min(len(o.Adapters), maxAdapters)] {
		field := fmt.Sprintf("adapters[%d]", i)
		e.want(a.Name != "", field+".name", "is empty, want the name of an adapter")
		weight(field+".weight", ptr.Or(a.Weight, 1))
		weight(field+".text_weight", ptr.Or(a.TextWeight, 1))
		e.want(len(a.Blocks) <= maxAdapterBlocks, field+".blocks", "are %d, want at most %d", len(a.Blocks), maxAdapterBlocks)
		for j, b := range a.Blocks[:min(len(a.Blocks), maxAdapterBlocks)] {
			weight(fmt.Sprintf("%s.blocks[%d].weight", field, j), b.Weight)
		}
	}
}

// takeTags takes the tags of adapters out of the prompts.
func (r *resolved) takeTags() error {
	r.given = r.Options
	seen := make(map[prompt.Network]bool) // a tag may stand in the texts of both encoders
	take := func(field, text string) (string, error) {
		rest, list, err := r.syntax.Networks(text)
		if err != nil {
			return "", &FieldError{field, "has the tag " + err.Error()}
		}
		for _, n := range list {
			if max(n.Text, -n.Text, n.UNet, -n.UNet) > maxAdapterWeight || len(r.tagged) == maxAdapters {
				return "", &FieldError{field,
					fmt.Sprintf("has tags of adapters, want at most %d with weights from %d to %d", maxAdapters,
						-maxAdapterWeight, maxAdapterWeight)}
			}
			if !seen[n] {
				seen[n] = true
				r.tagged = append(r.tagged, Adapter{Name: n.Name, Weight: &n.UNet, TextWeight: &n.Text})
			}
		}
		return rest, nil
	}
	var err error
	if r.Prompt, err = take("prompt", r.Prompt); err != nil {
		return err
	}
	if r.Prompt2 != nil {
		text, err := take("prompt_2", *r.Prompt2)
		if err != nil {
			return err
		}
		r.Prompt2 = &text
	}
	r.Prompts = slices.Clone(r.Prompts)
	for i := range r.Prompts {
		if p := &r.Prompts[i]; p.Weight > 0 {
			if p.Text, err = take(fmt.Sprintf("prompts[%d].text", i), p.Text); err != nil {
				return err
			}
		}
	}
	return nil
}

// adapterSets keeps the adapters of a pipeline, fitted to its model, and the sets of
// them that were used last: a set is an identity, by which compiled networks and
// what backends made of weights are found again.
type adapterSets struct {
	mu      sync.Mutex
	targets *adapt.Targets
	fitted  map[*adapt.File]*adapt.Fitted
	sets    []*adapt.Set // the last one last
}

// setsKept is how many sets are kept. They hold no weights but those that kinds of
// adapters need computed.
const setsKept = 8

// adapters returns what the options' adapters and those of tags change together, or nil.
func (p *Pipeline) adapters(own, tagged []Adapter) (*adapt.Set, []adapt.Use, error) {
	if len(own)+len(tagged) == 0 {
		return nil, nil, nil
	}
	s := &p.sets
	s.mu.Lock()
	defer s.mu.Unlock()
	var uses []adapt.Use
	for i, a := range slices.Concat(own, tagged) {
		field := fmt.Sprintf("adapters[%d].name", i)
		if i >= len(own) {
			field = "prompt"
		}
		f, err := p.library.Open(a.Name)
		if err != nil {
			return nil, nil, &FieldError{field, "is wrong: " + err.Error()}
		}
		fit, err := s.fit(p, f)
		if err != nil {
			return nil, nil, &FieldError{field, "does not fit: " + err.Error()}
		}
		u := adapt.Use{Fitted: fit, UNet: ptr.Or(a.Weight, 1), Blocks: make(map[string]float64)}
		u.Text = ptr.Or(a.TextWeight, u.UNet)
		for j, b := range a.Blocks {
			if !fit.HasBlock(b.Name) {
				return nil, nil, &FieldError{fmt.Sprintf("adapters[%d].blocks[%d].name", i, j),
					fmt.Sprintf("is %q, which is the start of no module of the UNet that the adapter changes", b.Name)}
			}
			u.Blocks[b.Name] = b.Weight
		}
		uses = append(uses, u)
	}
	return s.intern(adapt.NewSet(uses)), uses, nil
}

// fit fits an adapter to the pipeline's model, once.
func (s *adapterSets) fit(p *Pipeline, f *adapt.File) (*adapt.Fitted, error) {
	if fit := s.fitted[f]; fit != nil {
		return fit, nil
	}
	if s.targets == nil {
		list, err := p.model.AdapterTargets()
		if err != nil {
			return nil, err
		}
		s.targets, s.fitted = adapt.NewTargets(list), make(map[*adapt.File]*adapt.Fitted)
	}
	fit, err := f.Fit(s.targets)
	if err == nil && !p.allowUnused {
		err = fit.Err()
	}
	if err != nil {
		return nil, err
	}
	s.fitted[f] = fit
	return fit, nil
}

// intern returns the set of the same key that is kept, or keeps this one.
func (s *adapterSets) intern(set *adapt.Set) *adapt.Set {
	if set == nil {
		return nil
	}
	i := slices.IndexFunc(s.sets, func(have *adapt.Set) bool { return have.Key() == set.Key() })
	if i >= 0 {
		set = s.sets[i]
		s.sets = slices.Delete(s.sets, i, i+1)
	}
	s.sets = append(s.sets, set)
	if n := len(s.sets) - setsKept; n > 0 {
		s.sets = slices.Delete(s.sets, 0, n)
	}
	return set
}

// AdapterTargets returns the weights of the model that adapters may change.
func (m *Model) AdapterTargets() ([]adapt.Target, error) {
	var single func(string) string
	if m.UNet != nil {
		blocks, err := m.UNet.Config.Blocks()
		if err != nil {
			return nil, err
		}
		find := unetKeys(blocks)
		single = func(name string) string { return strings.TrimPrefix(find(name)[0].Key, unetPrefix) }
	}
	var list []adapt.Target
	for _, g := range m.graphs() {
		if g.part == vaePart {
			continue
		}
		graph, err := g.record()
		if err != nil {
			return nil, err
		}
		params, err := m.weights[g.part].Parameters(graph)
		if err != nil {
			return nil, err
		}
		for _, p := range params {
			t := adapt.Target{Component: g.part, Name: p.Name, Shape: p.Shape}
			if g.part == unetPart {
				t.Single = single(p.Name)
			}
			list = append(list, t)
		}
	}
	return list, nil
}

// resolve fills in what the options leave open, and finds their adapters and embeddings.
func (p *Pipeline) resolve(o Options) (resolved, error) {
	r, err := o.resolve(p.model)
	if err == nil {
		var uses []adapt.Use
		if r.set, uses, err = p.adapters(r.Options.Adapters, r.tagged); err == nil {
			r.inverted, err = p.inversions(&r, uses)
		}
	}
	return r, err
}

// adaptedUNet returns the UNet with the weights that a set makes.
func adaptedUNet(u *unet.UNet, set *adapt.Set) *unet.UNet {
	return u.With(func(w layers.Weights) layers.Weights { return set.Weights(unetPart, w) })
}

// text returns a text encoder as the key has it.
func (k *networkKey) text(e *clip.TextEncoder, part string) *clip.TextEncoder {
	e = e.With(func(w layers.Weights) layers.Weights { return k.adapters.Weights(part, w) })
	if k.vectors {
		e = e.WithVectors()
	}
	return e
}
