package sdxl

import (
	"fmt"
	"slices"
)

// nativeSizes are the sizes that SDXL 1.0 was trained most on, and that the v1
// API allows (SDXL paper, appendix I).
var nativeSizes = []Size{
	{1024, 1024}, {1152, 896}, {896, 1152}, {1216, 832}, {832, 1216}, {1344, 768}, {768, 1344}, {1536, 640}, {640, 1536},
}

// Warnings returns what the options ask for that a model was not trained for.
func (o *Options) Warnings(m *Model) []string {
	if m.UNet == nil || m.VAE == nil {
		return nil
	}
	w, h := o.SizeFor(m)
	native := m.UNet.Config.SampleSize * m.VAE.Config.Scale()
	if native != nativeSizes[0].Width {
		if w*h > 2*native*native || 2*w*h < native*native {
			return []string{fmt.Sprintf("%dx%d is far from the %dx%d that this model was trained for", w, h, native, native)}
		}
		return nil
	}
	if slices.Contains(nativeSizes, Size{w, h}) {
		return nil
	}
	return []string{fmt.Sprintf("%dx%d is none of the sizes that SDXL was trained for: %v", w, h, nativeSizes)}
}
