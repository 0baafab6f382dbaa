package checkpoint

import (
	"errors"
	"slices"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// scaling is a way to name what the numbers of a tensor X.weight are multiplied by.
type scaling struct {
	suffix string // in place of "weight"
	by     float64
}

// scalings are those of easel's files and the newer of ComfyUI's, of the older, and of bitsandbytes, which stores
// the greatest magnitude of each row.
var scalings = []scaling{{"weight_scale", 1}, {"scale_weight", 1}, {"SCB", 1.0 / 127}}

// mayBeScaled reports whether the numbers of a type are multiplied by a scale where there is one.
func mayBeScaled(dt tensor.DType) bool {
	return nn.Quantised(dt) || dt == tensor.F8E4M3 || dt == tensor.F8E5M2
}

// scaleOf finds the scale of a tensor.
func (p *Weights) scaleOf(key string) (scaleKey string, info safetensors.Info, by float64, ok bool) {
	stem, named := strings.CutSuffix(key, "weight")
	if !named { // such as OpenCLIP's in_proj_weight, which easel's files scale too
		info, ok = p.file.Info(key + "_scale")
		return key + "_scale", info, 1, ok
	}
	for _, s := range scalings {
		if info, ok = p.file.Info(stem + s.suffix); ok {
			return stem + s.suffix, info, s.by, true
		}
	}
	return stem + scalings[0].suffix, info, 0, false
}

// quantised gives a weight whose numbers are scaled its scales, which lie beside it.
func (p *Weights) quantised(w *nn.Weight, s Place) error {
	if !mayBeScaled(w.DType) {
		return nil
	}
	key, info, by, ok := p.scaleOf(s.Key)
	switch {
	case !ok && !nn.Quantised(w.DType):
		return nil
	case s.Transpose:
		return errors.New(w.DType.String() + ", and read transposed: that takes floating-point numbers")
	case !ok:
		return errors.New(w.DType.String() + ", and there is no tensor " + key)
	}
	if name := w.Name[len(p.component)+1:] + "_scale"; !slices.Contains(p.used[key], name) {
		p.used[key] = append(p.used[key], name)
	}
	w.Scale = &nn.Weight{Name: w.Name + "_scale", DType: info.DType, Shape: info.Shape, Copied: !p.file.Mapped(key)}
	if nn.Quantised(w.DType) && info.DType == tensor.F16 && len(info.Shape) == 2 && len(w.Shape) > 1 &&
		info.Shape[1]*nn.ScaleBlock == w.Shape[1:].NumElements() { // for blocks of a row
		if s.To > 0 && s.To <= info.Shape[0] {
			w.Scale.Shape = tensor.Shape{s.To - s.From, info.Shape[1]}
		}
		w.Scale.Load = func() (*tensor.Tensor, error) {
			t, err := p.file.Tensor(key)
			if err != nil {
				return nil, err
			}
			return s.view(t, w.Scale.Shape)
		}
		return w.CheckScale()
	}
	if n := info.Shape.NumElements(); n == 1 || n == w.Shape[0] || s.To > 0 && n >= s.To {
		w.Scale.DType, w.Scale.Shape = tensor.F32, tensor.Shape{w.Shape[0]}
	}
	w.Scale.Load = func() (*tensor.Tensor, error) {
		t, err := p.file.Tensor(key)
		if err != nil {
			return nil, err
		}
		return s.rowScales(t, w.Shape[0], by)
	}
	return w.CheckScale()
}

// rowScales returns a scale for each of n rows: of one for all, or of one for each.
func (s Place) rowScales(t *tensor.Tensor, n int, by float64) (*tensor.Tensor, error) {
	wide, err := t.Convert(tensor.F32)
	if err != nil {
		return nil, err
	}
	scales := tensor.New(tensor.F32, n)
	stored := wide.Float32s()
	for i := range scales.Float32s() {
		from := s.From + i
		if len(stored) == 1 {
			from = 0
		}
		scales.Float32s()[i] = float32(float64(stored[from]) * by)
	}
	return scales, nil
}
