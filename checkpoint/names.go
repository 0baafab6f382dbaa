package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Place says where in a file a parameter lies and how to see it as the
// reference's: rows From to To of the first axis (all if To is 0), transposed
// if Transpose.
type Place struct {
	Key       string
	From, To  int
	Transpose bool
}

// At returns the place of a whole tensor.
func At(key string) []Place { return []Place{{Key: key}} }

// Names are substitutions of the start of a name: each says from what and to
// what.
type Names [][2]string

// Rename applies the first substitution that matches at the start of a dotted name.
func (n Names) Rename(name string) string {
	for _, r := range n {
		from, to := r[0], r[1]
		if rest, ok := strings.CutPrefix(name, from); ok && (rest == "" || strings.HasSuffix(from, ".") || rest[0] == '.') {
			return to + rest
		}
	}
	return name
}

// check returns an error if a stored shape cannot be seen as the wanted one.
func (s Place) check(have, want tensor.Shape) error {
	have = have.Clone()
	if s.To > 0 {
		if len(have) == 0 || s.To > have[0] {
			return fmt.Errorf("shape %v has no rows %d to %d", have, s.From, s.To)
		}
		have[0] = s.To - s.From
	}
	if s.Transpose {
		slices.Reverse(have)
	}
	// A convolution whose kernel covers its image is a product with a matrix.
	for n := len(have); n > len(want) && (have[n-1] == 1 || len(want) == 2); n-- {
		have[n-2] *= have[n-1]
		have = have[:n-1]
	}
	if !have.Equal(want) {
		return fmt.Errorf("shape %v, want %v", have, want)
	}
	return nil
}

// blocks returns an error if rows of a tensor of blocks cannot be taken.
func (s Place) blocks(info safetensors.Info) error {
	elems, _ := info.DType.Block()
	if s.To > 0 && s.From*(info.Shape.NumElements()/max(info.Shape[0], 1))%elems != 0 {
		return fmt.Errorf("row %d begins inside a block of %s", s.From, info.DType)
	}
	return nil
}

func (s Place) view(t *tensor.Tensor, shape tensor.Shape) (*tensor.Tensor, error) {
	var err error
	if s.Transpose && t.DType().Blocked() {
		if t, err = t.Convert(tensor.F32); err != nil {
			return nil, err
		}
	}
	if s.To > 0 {
		if t, err = t.Narrow(0, s.From, s.To); err != nil {
			return nil, err
		}
	}
	if s.Transpose {
		return t.Permute(1, 0)
	}
	return t.Reshape(shape...)
}
