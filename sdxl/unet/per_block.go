package unet

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// PerBlock is a number for each block of a network; the JSON may give one for all.
type PerBlock []int

// UnmarshalJSON accepts a number, a list of numbers, or null.
func (p *PerBlock) UnmarshalJSON(data []byte) error {
	var one *int
	if json.Unmarshal(data, &one) == nil {
		*p = nil
		if one != nil {
			*p = PerBlock{*one}
		}
		return nil
	}
	var list []int
	if err := json.Unmarshal(data, &list); err != nil {
		return errors.New("want a whole number or a list of whole numbers")
	}
	*p = list
	return nil
}

// MarshalJSON writes a single number if it is the same for all blocks.
func (p PerBlock) MarshalJSON() ([]byte, error) {
	if len(p) == 1 {
		return json.Marshal(p[0])
	}
	return json.Marshal([]int(p))
}

// PerLayer is a number for each layer of each block of a network; where it is the same for all layers
// of a block, or for all blocks, the JSON may give one.
type PerLayer []PerBlock

// UnmarshalJSON accepts a number, a list of numbers and of lists of numbers, or null.
func (p *PerLayer) UnmarshalJSON(data []byte) error {
	var all PerBlock
	if json.Unmarshal(data, &all) == nil && len(all) <= 1 {
		*p = nil
		if all != nil {
			*p = PerLayer{all}
		}
		return nil
	}
	var list []PerBlock
	if err := json.Unmarshal(data, &list); err != nil {
		return errors.New("want a whole number, or a list of whole numbers and of lists of these")
	}
	*p = list
	return nil
}

// MarshalJSON writes a single number if it is the same for all layers.
func (p PerLayer) MarshalJSON() ([]byte, error) {
	if len(p) == 1 && len(p[0]) == 1 {
		return json.Marshal(p[0][0])
	}
	return json.Marshal([]PerBlock(p))
}

// uneven reports whether there are lists in the list.
func (p PerLayer) uneven() bool {
	return slices.ContainsFunc(p, func(b PerBlock) bool { return len(b) != 1 })
}

// expand returns the numbers of the layers of each block.
func (p PerLayer) expand(field string, layers []int) ([][]int, error) {
	if len(p) == 1 && len(layers) != 1 {
		p = slices.Repeat(p, len(layers))
	}
	if len(p) != len(layers) {
		return nil, fmt.Errorf("%s has %d entries, want %d, one for each block", field, len(p), len(layers))
	}
	all := make([][]int, len(p))
	for i, n := range layers {
		switch len(p[i]) {
		case 1:
			all[i] = slices.Repeat(p[i], n)
		case n:
			all[i] = p[i]
		default:
			return nil, fmt.Errorf("%s[%d] has %d entries, want %d, one for each layer", field, i, len(p[i]), n)
		}
	}
	return all, nil
}

// expand returns n numbers, or an error if there are neither one nor n.
func (p PerBlock) expand(field string, n int) ([]int, error) {
	switch len(p) {
	case n:
		return p, nil
	case 1:
		return slices.Repeat(p, n), nil
	}
	return nil, fmt.Errorf("%s has %d entries, want %d, one for each block", field, len(p), n)
}

// depths returns how many transformer blocks each layer has, on the way down and on the way up, finest resolution first.
func (c *Config) depths(layers []int) (down, up [][]int, err error) {
	down, err = c.TransformerLayers.expand("transformer_layers_per_block", layers)
	if err != nil {
		return nil, nil, err
	}
	upwards := make([]int, len(layers)) // coarsest first
	for i, l := range layers {
		upwards[len(layers)-1-i] = l + 1
	}
	const field = "reverse_transformer_layers_per_block"
	reverse := slices.Clone(c.ReverseLayers)
	if reverse == nil {
		if c.TransformerLayers.uneven() {
			return nil, nil, fmt.Errorf("%s is missing, want it beside lists in transformer_layers_per_block", field)
		}
		reverse = slices.Clone(c.TransformerLayers)
		slices.Reverse(reverse)
	}
	up, err = reverse.expand(field, upwards)
	slices.Reverse(up)
	return down, up, err
}
