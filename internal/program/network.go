// Package program compiles recorded networks and keeps the compiled ones.
package program

import (
	"context"
	"fmt"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// Network is a recorded graph and the file that its weights are in.
type Network struct {
	Graph *nn.Graph
	File  string // for errors
}

// Compile compiles the graph; errors name the file.
func (n Network) Compile(ctx context.Context, b nn.Backend, opts nn.CompileOptions) (*Program, error) {
	p, err := nn.Lower(n.Graph, b.Supports, opts.Taps)
	if err != nil {
		return nil, err
	}
	exe, err := b.Compile(ctx, p, opts)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.File, err)
	}
	return &Program{exe, p, n.File}, nil
}

// RunOnce compiles the graph, runs it on src, and gives back the outputs and taps.
func (n Network) RunOnce(ctx context.Context, b nn.Backend, taps []string, src ...*tensor.Tensor) ([]*tensor.Tensor, error) {
	p, err := n.Compile(ctx, b, nn.CompileOptions{Taps: taps})
	if err != nil {
		return nil, err
	}
	defer p.Close()
	dst := p.NewOutputs()
	return dst, p.Run(ctx, nn.Tensors(dst...), nn.Tensors(src...))
}

// Program is a compiled network whose errors name the file of its weights.
type Program struct {
	nn.Executable
	lowered *nn.Program
	file    string
}

// NewOutputs returns tensors for the outputs and taps.
func (p *Program) NewOutputs() []*tensor.Tensor { return tensorsFor(p.lowered.Outputs) }

// NewInputs returns tensors for the inputs.
func (p *Program) NewInputs() []*tensor.Tensor { return tensorsFor(p.lowered.Inputs) }

func tensorsFor(values []nn.Named) []*tensor.Tensor {
	list := make([]*tensor.Tensor, len(values))
	for i, v := range values {
		list[i] = tensor.New(v.Value.DType(), v.Value.Shape()...)
	}
	return list
}

// Run implements nn.Executable.
func (p *Program) Run(ctx context.Context, dst, src []nn.Memory) error {
	if err := p.Executable.Run(ctx, dst, src); err != nil {
		return fmt.Errorf("%s: %w", p.file, err)
	}
	return nil
}
