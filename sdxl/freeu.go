package sdxl

import (
	"fmt"

	"github.com/df65613c/easel/nn"
)

// FreeU weighs what meets on the UNet's way up (Si et al. 2023, "FreeU: Free Lunch
// in Diffusion U-Net"): in its first two blocks half of the channels that come
// from below are multiplied with B1 and B2, and the low frequencies of the skips
// with S1 and S2. 1 leaves each as it is; the authors take 1.3, 1.4, 0.9, 0.2 for SDXL.
type FreeU struct {
	B1 float64 `json:"b1"`
	B2 float64 `json:"b2"`
	S1 float64 `json:"s1"`
	S2 float64 `json:"s2"`
}

// check returns what is wrong with the factors.
func (f *FreeU) check() error {
	if f == nil {
		return nil
	}
	for _, v := range []float64{f.B1, f.B2, f.S1, f.S2} {
		if !(v > 0 && v <= 10) {
			return fmt.Errorf("freeu is %g,%g,%g,%g, want b1,b2,s1,s2 above 0 and up to 10", f.B1, f.B2, f.S1, f.S2)
		}
	}
	return nil
}

// join records what a ResNet block of up block i takes: the image from below and the skip.
func (r *unetRecorder) join(i int, x, skip *nn.Value) *nn.Value {
	if r.freeU == nil || i > 1 {
		return r.g.Concat(-1, x, skip)
	}
	b, s := r.freeU.B1, r.freeU.S1
	if i == 1 {
		b, s = r.freeU.B2, r.freeU.S2
	}
	half, all := x.Dim(-1)/2, x.Dim(-1)
	return r.g.Concat(-1, r.g.Affine(r.g.Slice(x, -1, 0, half), float32(b), 0), r.g.Slice(x, -1, half, all),
		r.g.FourierFilter(skip, nn.FourierFilter{Scale: float32(s)}))
}
