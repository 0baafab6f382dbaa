package nn

import (
	"fmt"

	"github.com/df65613c/easel/tensor"
)

// Memory holds the elements of a value while a program runs: a contiguous
// *tensor.Tensor, which every backend takes, or what Backend.New made.
type Memory interface {
	DType() tensor.DType
	Shape() tensor.Shape
}

// Tensors returns tensors as the operands of Executable.Run.
func Tensors(t ...*tensor.Tensor) []Memory {
	m := make([]Memory, len(t))
	for i, t := range t {
		m[i] = t
	}
	return m
}

// Free releases memory that Backend.New made. It does nothing for a tensor.
func Free(m Memory) error {
	if c, ok := m.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}

// CheckRun returns an error unless dst and src have the types and shapes of the
// program, and tensors among them are contiguous.
func (p *Program) CheckRun(dst, src []Memory) error {
	if err := checkMemory("input", p.Inputs, src); err != nil {
		return err
	}
	return checkMemory("output", p.Outputs, dst)
}

func checkMemory(kind string, want []Named, got []Memory) error {
	if len(got) != len(want) {
		return fmt.Errorf("nn: %d %ss given, the program has %d", len(got), kind, len(want))
	}
	for i, w := range want {
		m := got[i]
		t, isTensor := m.(*tensor.Tensor)
		if m == nil || isTensor && t == nil {
			return fmt.Errorf("nn: %s %s is nil", kind, w.Name)
		}
		if m.DType() != w.Value.dtype || !m.Shape().Equal(w.Value.shape) {
			return fmt.Errorf("nn: %s %s is %s%v, not %s%v", kind, w.Name, m.DType(), m.Shape(), w.Value.dtype, w.Value.shape)
		}
		if isTensor && !t.IsContiguous() {
			return fmt.Errorf("nn: %s %s is not contiguous", kind, w.Name)
		}
	}
	return nil
}
