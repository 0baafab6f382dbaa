package adapt

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/layers"
)

// Use is an adapter and how strongly it is used.
type Use struct {
	*Fitted
	UNet, Text float64 // strengths; 0 leaves the networks as they are
	// Blocks multiplies the strength in parts of the UNet, by the start of their
	// names such as down_blocks.1 or mid_block; the longest start counts.
	Blocks map[string]float64
}

// strength returns that for a module.
func (u *Use) strength(component, name string) float64 {
	if component != "unet" {
		return u.Text
	}
	by, longest := u.UNet, -1
	for start, v := range u.Blocks {
		if len(start) > longest && begins(name, start) {
			by, longest = u.UNet*v, len(start)
		}
	}
	return by
}

// key is the same for uses that change weights alike.
func (u *Use) key() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d:%g:%g", u.File.id, u.UNet, u.Text)
	for _, start := range slices.Sorted(maps.Keys(u.Blocks)) {
		fmt.Fprintf(&b, ":%q=%g", start, u.Blocks[start])
	}
	return b.String()
}

// Set is several adapters at once, whose changes add up. A nil Set changes nothing.
// It is safe for concurrent use.
type Set struct {
	key    string
	deltas map[[2]string][]nn.Delta

	mu      sync.Mutex
	changed map[*nn.Weight]*nn.Weight
}

// NewSet returns the adapters as one, or nil if they change nothing.
func NewSet(uses []Use) *Set {
	s := &Set{deltas: make(map[[2]string][]nn.Delta), changed: make(map[*nn.Weight]*nn.Weight)}
	for i := range uses {
		u := &uses[i]
		before := len(s.deltas)
		u.Fitted.deltas(u, func(component, name string, d nn.Delta) {
			key := [2]string{component, name}
			s.deltas[key] = append(s.deltas[key], d)
			before = -1
		})
		if before < 0 {
			s.key += u.key() + ";"
		}
	}
	if len(s.deltas) == 0 {
		return nil
	}
	return s
}

// Key tells sets apart: those of equal keys change weights alike.
func (s *Set) Key() string {
	if s == nil {
		return ""
	}
	return s.key
}

// For returns the set if it changes a network, or nil.
func (s *Set) For(component string) *Set {
	if s == nil {
		return nil
	}
	for key := range s.deltas {
		if key[0] == component {
			return s
		}
	}
	return nil
}

// Weights returns the weights of a network as the set makes them. The same weight
// gives the same pointer.
func (s *Set) Weights(component string, w layers.Weights) layers.Weights {
	if s == nil {
		return w
	}
	return &adapted{s, component, w}
}

type adapted struct {
	set       *Set
	component string
	base      layers.Weights
}

func (a *adapted) Weight(name string, shape ...int) *nn.Weight {
	w := a.base.Weight(name, shape...)
	deltas := a.set.deltas[[2]string{a.component, name}]
	if len(deltas) == 0 {
		return w
	}
	a.set.mu.Lock()
	defer a.set.mu.Unlock()
	c := a.set.changed[w]
	if c == nil {
		c = w.With(deltas...)
		a.set.changed[w] = c
	}
	return c
}
