package checkpoint

import (
	"fmt"
	"slices"
	"sync"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Weights finds the parameters of one network by the reference's names and
// keeps account of what was asked for.
type Weights struct {
	component string
	file      Source
	// find says where a parameter lies; several places may be tried in order.
	find  func(name string) []Place
	owned func(key string) bool // whether a tensor of the file should be a parameter of this network

	mu      sync.Mutex            // graphs may be recorded at the same time
	weights map[string]*nn.Weight // by name and shape
	used    map[string][]string   // parameter names by key of the file
	missing map[string]bool       // reference names
	faults  map[string]error      // by reference name
}

// New returns the weights of a network, named after the component. find says
// where in the file a parameter may lie, the likeliest place first; owned says
// which tensors of the file should be parameters of this network.
func New(component string, file Source, find func(name string) []Place, owned func(key string) bool) *Weights {
	return &Weights{
		component: component, file: unpacked(file), find: find, owned: owned,
		weights: make(map[string]*nn.Weight), used: make(map[string][]string), missing: make(map[string]bool), faults: make(map[string]error),
	}
}

// Weight returns the parameter with the given name and shape. One that is
// missing or misshapen is noted for the account, and the weight that comes back
// fails when it is loaded. A matrix may be stored with trailing axes of 1. The
// same name and shape give the same pointer, by which backends recognise a
// weight.
func (p *Weights) Weight(name string, shape ...int) *nn.Weight {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := fmt.Sprint(name, shape)
	if w := p.weights[key]; w != nil {
		return w
	}
	w := &nn.Weight{Name: p.component + "/" + name, DType: tensor.F32, Shape: shape}
	p.weights[key] = w
	for _, s := range p.find(name) {
		info, ok := p.file.Info(s.Key)
		if !ok {
			continue
		}
		if !slices.Contains(p.used[s.Key], name) {
			p.used[s.Key] = append(p.used[s.Key], name)
		}
		w.DType, w.Copied = info.DType, !p.file.Mapped(s.Key)
		if s.Transpose && info.DType.Blocked() { // blocks lie along rows
			w.DType, w.Copied = tensor.F32, true
		}
		if err := p.fit(w, s, info); err != nil {
			p.faults[name] = fmt.Errorf("%s: tensor %s: %w", p.file.Name(), s.Key, err)
		}
		w.Load = func() (*tensor.Tensor, error) {
			t, err := p.file.Tensor(s.Key)
			if err != nil {
				return nil, err
			}
			return s.view(t, shape)
		}
		return w
	}
	p.missing[name] = true
	w.Load = func() (*tensor.Tensor, error) { return nil, fmt.Errorf("%s: no parameter %s", p.file.Name(), name) }
	return w
}

// fit checks that a weight can be read from its place, and finds its scales.
func (p *Weights) fit(w *nn.Weight, s Place, info safetensors.Info) error {
	if f, ok := p.file.(*fourBit); ok && f.fault(s.Key) != nil {
		return f.fault(s.Key)
	}
	if err := s.check(info.Shape, w.Shape); err != nil {
		return err
	}
	if err := s.blocks(info); err != nil {
		return err
	}
	return p.quantised(w, s)
}

// Place returns where in the file a parameter lies, if it is there.
func (p *Weights) Place(name string) (Place, bool) {
	for _, s := range p.find(name) {
		if _, ok := p.file.Info(s.Key); ok {
			return s, true
		}
	}
	return Place{}, false
}

// File returns the name of the file, for errors.
func (p *Weights) File() string { return p.file.Name() }
