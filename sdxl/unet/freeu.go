package unet

import (
	"fmt"

	"github.com/df65613c/easel/nn"
)

// FreeU weighs what meets on the UNet's way up (Si et al. 2023, "FreeU: Free Lunch
// in Diffusion U-Net"): in its first two blocks half of the channels that come
// from below are multiplied by B1 and B2, and the low frequencies of the skips
// with S1 and S2. 1 leaves each as it is; the authors take 1.3, 1.4, 0.9, 0.2 for SDXL.
type FreeU struct {
	B1 float64 `json:"b1"`
	B2 float64 `json:"b2"`
	S1 float64 `json:"s1"`
	S2 float64 `json:"s2"`
}

// Check returns what is wrong with the factors.
func (f *FreeU) Check() error {
	if f == nil {
		return nil
	}
	for _, v := range []float64{f.B1, f.B2, f.S1, f.S2} {
		if !(v > 0 && v <= 10) {
			return fmt.Errorf("is %g,%g,%g,%g, want b1,b2,s1,s2 above 0 and up to 10", f.B1, f.B2, f.S1, f.S2)
		}
	}
	return nil
}

// Patch returns the change of the network.
func (f FreeU) Patch() Patch {
	return Patch{Join: func(g *nn.Graph, block int, x, skip *nn.Value) (*nn.Value, *nn.Value) {
		b, s := f.B1, f.S1
		switch block {
		case 0:
		case 1:
			b, s = f.B2, f.S2
		default:
			return x, skip
		}
		half, all := x.Dim(-1)/2, x.Dim(-1)
		x = g.Concat(-1, g.Affine(g.Slice(x, -1, 0, half), float32(b), 0), g.Slice(x, -1, half, all))
		return x, g.FourierFilter(skip, nn.FourierFilter{Scale: float32(s)})
	}}
}
