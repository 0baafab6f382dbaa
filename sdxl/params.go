package sdxl

import (
	"fmt"
	"slices"
	"sync"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// stored says where in a file a parameter lies and how to see it as the
// reference's: rows From to To of the first axis (all if To is 0), transposed
// if Transpose.
type stored struct {
	key       string
	from, to  int
	transpose bool
}

// params finds the parameters of one network by the reference's names and
// keeps account of what was asked for.
type params struct {
	component string
	file      *safetensors.File
	// find says where a parameter lies; several places may be tried in order.
	find  func(name string) []stored
	owned func(key string) bool // whether a key of the file is this network's

	mu      sync.Mutex          // graphs may be recorded at the same time
	used    map[string][]string // parameter names by key of the file
	missing map[string]bool     // reference names
	faults  map[string]error    // by reference name
}

func newParams(component string, file *safetensors.File, find func(string) []stored, owned func(string) bool) *params {
	return &params{
		component: component, file: file, find: find, owned: owned,
		used: make(map[string][]string), missing: make(map[string]bool), faults: make(map[string]error),
	}
}

// Weight returns the parameter with the given name and shape. One that is
// missing or misshapen is noted for the account, and the weight that comes
// back fails when it is loaded. A matrix may be stored with trailing axes of 1.
func (p *params) Weight(name string, shape ...int) *nn.Weight {
	p.mu.Lock()
	defer p.mu.Unlock()
	w := &nn.Weight{Name: p.component + "/" + name, DType: tensor.F32, Shape: shape}
	for _, s := range p.find(name) {
		info, ok := p.file.Info(s.key)
		if !ok {
			continue
		}
		if !slices.Contains(p.used[s.key], name) {
			p.used[s.key] = append(p.used[s.key], name)
		}
		w.DType = info.DType
		if err := s.check(info.Shape, shape); err != nil {
			p.faults[name] = fmt.Errorf("%s: tensor %s: %w", p.file.Name(), s.key, err)
		} else if err := p.quantised(w, s); err != nil {
			p.faults[name] = fmt.Errorf("%s: tensor %s: %w", p.file.Name(), s.key, err)
		}
		w.Load = func() (*tensor.Tensor, error) {
			t, err := p.file.Tensor(s.key)
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

// check returns an error if a stored shape cannot be seen as the wanted one.
func (s stored) check(have, want tensor.Shape) error {
	have = have.Clone()
	if s.to > 0 {
		if len(have) == 0 || s.to > have[0] {
			return fmt.Errorf("shape %v has no rows %d to %d", have, s.from, s.to)
		}
		have[0] = s.to - s.from
	}
	if s.transpose {
		slices.Reverse(have)
	}
	for len(have) > len(want) && have[len(have)-1] == 1 {
		have = have[:len(have)-1]
	}
	if !have.Equal(want) {
		return fmt.Errorf("shape %v, want %v", have, want)
	}
	return nil
}

func (s stored) view(t *tensor.Tensor, shape tensor.Shape) (*tensor.Tensor, error) {
	var err error
	if s.to > 0 {
		if t, err = t.Narrow(0, s.from, s.to); err != nil {
			return nil, err
		}
	}
	if s.transpose {
		return t.Permute(1, 0)
	}
	return t.Reshape(shape...)
}
