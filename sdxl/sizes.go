package sdxl

import (
	"fmt"
	"slices"

	"github.com/df65613c/easel/sched"
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
	var warnings []string
	if o.ClipSkip > 0 && o.Dialect == string(sched.A1111) {
		warnings = append(warnings,
			"clip_skip changes nothing of SDXL in the dialect a1111, as in that program; the dialect comfy has it")
	}
	w, h := o.SizeFor(m)
	native := m.UNet.Config.SampleSize * m.VAE.Config.Scale()
	switch {
	case native != nativeSizes[0].Width:
		if w*h > 2*native*native || 2*w*h < native*native {
			warnings = append(warnings, fmt.Sprintf("%dx%d is far from the %dx%d that this model was trained for", w, h, native, native))
		}
	case !slices.Contains(nativeSizes, Size{w, h}):
		warnings = append(warnings, fmt.Sprintf("%dx%d is none of the sizes that SDXL was trained for: %v", w, h, nativeSizes))
	}
	return warnings
}
