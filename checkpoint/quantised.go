package checkpoint

import (
	"errors"
	"slices"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// scaleSuffix is what the name of a quantised tensor and that of its scales differ by.
const scaleSuffix = "_scale"

// quantised gives a weight that is stored quantised its scales, which lie beside it.
func (p *Weights) quantised(w *nn.Weight, s Place) error {
	if !nn.Quantised(w.DType) {
		return nil
	}
	if s.Transpose {
		return errors.New(w.DType.String() + ", and read transposed: that takes floating-point numbers")
	}
	key := s.Key + scaleSuffix
	info, ok := p.file.Info(key)
	if !ok {
		return errors.New(w.DType.String() + ", and there is no tensor " + key)
	}
	if name := w.Name[len(p.component)+1:] + scaleSuffix; !slices.Contains(p.used[key], name) {
		p.used[key] = append(p.used[key], name)
	}
	shape := info.Shape.Clone()
	if s.To > 0 && len(shape) > 0 && s.To <= shape[0] {
		shape[0] = s.To - s.From
	}
	w.Scale = &nn.Weight{Name: w.Name + scaleSuffix, DType: info.DType, Shape: shape, Copied: !p.file.Mapped(key), Load: func() (*tensor.Tensor, error) {
		t, err := p.file.Tensor(key)
		if err != nil {
			return nil, err
		}
		return s.view(t, shape)
	}}
	return w.CheckScale()
}
