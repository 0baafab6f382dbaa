package nn

import "github.com/df65613c/easel/tensor"

// Weight is a reference to a parameter of a model. What it refers to is read
// when a backend compiles or runs, so that a weight may lie in a mapped file.
type Weight struct {
	Name  string // as the reference names it, for errors
	DType tensor.DType
	Shape tensor.Shape
	// Load returns the weight as a view of the stored bytes. The view may be
	// strided: a transposed matrix needs no copy.
	Load func() (*tensor.Tensor, error)
}

// Param returns a Weight for a tensor that is at hand.
func Param(name string, t *tensor.Tensor) *Weight {
	return &Weight{Name: name, DType: t.DType(), Shape: t.Shape(), Load: func() (*tensor.Tensor, error) { return t, nil }}
}
