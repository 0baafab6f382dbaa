package checkpoint

import (
	"slices"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Role is what a parameter is to its operation.
type Role uint8

// The roles of parameters.
const (
	Matrix Role = iota // of a linear layer or a convolution, [out, in, ...]
	Bias
	Scale // of a normalisation
	Shift // of a normalisation
	Table // of embeddings
)

// Tensor is a tensor of a checkpoint.
type Tensor struct {
	Key   string
	Shape tensor.Shape
	Role  Role
	FanIn int // of a Matrix: how many products are summed for an output
}

// Parameter is a parameter of a network.
type Parameter struct {
	Name  string // as the reference names it
	Shape tensor.Shape
	Role  Role
}

// Tensors appends to list the stored tensors that hold a graph's parameters,
// each once.
func (p *Weights) Tensors(list []Tensor, g *nn.Graph) ([]Tensor, error) {
	params, err := p.Parameters(g)
	if err != nil {
		return nil, err
	}
	for _, w := range params {
		at := p.find(w.Name)[0]
		t := Tensor{Key: at.Key, Shape: w.Shape.Clone(), Role: w.Role}
		if w.Role == Matrix {
			t.FanIn = w.Shape[1:].NumElements()
		}
		if at.Transpose {
			slices.Reverse(t.Shape)
		}
		i := slices.IndexFunc(list, func(have Tensor) bool { return have.Key == t.Key })
		if i < 0 {
			i = len(list)
			list = append(list, t)
		}
		list[i].Shape[0] = max(list[i].Shape[0], at.To) // several parameters may be rows of one tensor
	}
	return list, nil
}

// Parameters returns a graph's parameters, each once, in the order of their use.
func (p *Weights) Parameters(g *nn.Graph) (list []Parameter, err error) {
	program, err := nn.Lower(g, func(nn.Op, tensor.DType) bool { return true }, nil)
	if err != nil {
		return nil, err
	}
	seen := make(map[*nn.Weight]bool)
	for _, n := range program.Nodes {
		for _, u := range usesOf(n.Op) {
			if u.weight == nil || seen[u.weight] {
				continue
			}
			seen[u.weight] = true
			list = append(list, Parameter{strings.TrimPrefix(u.weight.Name, p.component+"/"), u.weight.Shape, u.role})
		}
	}
	return list, nil
}

// use is a weight, which may be nil, and what it is to an operation.
type use struct {
	weight *nn.Weight
	role   Role
}

// usesOf returns the weights of an operation in the order of their use.
func usesOf(op nn.Op) []use {
	switch op := op.(type) {
	case nn.Linear:
		return []use{{op.Weight, Matrix}, {op.Bias, Bias}}
	case nn.Conv2D:
		conv := []use{{op.Weight, Matrix}, {op.Bias, Bias}}
		if op.Norm != nil {
			return append(usesOf(*op.Norm), conv...)
		}
		return conv
	case nn.UpsampleConv2D:
		return []use{{op.Weight, Matrix}, {op.Bias, Bias}}
	case nn.GroupNorm:
		return []use{{op.Scale, Scale}, {op.Shift, Shift}}
	case nn.LayerNorm:
		return []use{{op.Scale, Scale}, {op.Shift, Shift}}
	case nn.Embedding:
		return []use{{op.Table, Table}, {op.Positions, Table}}
	case nn.Parameter:
		return []use{{op.Weight, Table}}
	}
	return nil
}
