// Package checkpoint turns the tensors that files store into the weights that
// networks ask for by the reference's names, and keeps account of both. It knows
// no network.
package checkpoint

import (
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Source is an open file of named tensors, of any format, or several of one
// model. It is safe for concurrent use.
type Source interface {
	Name() string    // for errors
	Names() []string // of its tensors, sorted
	Info(name string) (safetensors.Info, bool)
	// Tensor returns a tensor as it is stored, if it can be without a copy.
	Tensor(name string) (*tensor.Tensor, error)
	// Mapped reports whether Tensor gives a view of the stored bytes rather than a copy.
	Mapped(name string) bool
	Metadata() map[string]string
	Close() error
}

var _ Source = (*safetensors.File)(nil)
