package sdxl

import (
	"github.com/df65613c/easel/sched"
)

// a1111ClipSkips is the most that AUTOMATIC1111's web UI takes.
const a1111ClipSkips = 12

// layersSkipped returns how many layers before the usual one, the second to
// last, the texts' hidden states come from; -1 is the last one. ClipSkip has the
// meaning of the dialect: diffusers counts from the usual layer; ComfyUI's
// CLIPSetLastLayer counts from the end, where 2, or -2, is the usual one; and in
// AUTOMATIC1111's web UI, whose setting is for SD 1.x, it changes nothing of SDXL.
func (o *Options) layersSkipped() int {
	switch sched.Dialect(o.Dialect) {
	case sched.A1111:
		return 0
	case sched.Comfy:
		if o.ClipSkip != 0 {
			return max(o.ClipSkip, -o.ClipSkip) - 2
		}
	}
	return o.ClipSkip
}

// checkClipSkip checks it against the layers of the model's encoders, if they are known.
func (o *Options) checkClipSkip(e *FieldErrors, m *Model) {
	n, layers := o.ClipSkip, 0
	if m != nil && m.TextL != nil && m.TextG != nil {
		layers = min(m.TextL.Config.Layers, m.TextG.Config.Layers)
	}
	switch sched.Dialect(o.Dialect) {
	case sched.A1111:
		e.want(n >= 0 && n <= a1111ClipSkips, "clip_skip", "is %d, want 1 to %d, or 0 for none", n, a1111ClipSkips)
	case sched.Comfy:
		e.want(layers == 0 || max(n, -n) <= layers, "clip_skip",
			"is %d, want 1 to %d layers from the end for this model, or 0 for none", n, layers)
	default:
		e.want(n >= 0, "clip_skip", "is %d, want 0 or more", n)
		e.want(layers == 0 || n < layers, "clip_skip", "is %d, want 0 to %d for this model", n, layers-1)
	}
}
