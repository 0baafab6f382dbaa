package sdxl

import (
	"slices"

	"github.com/df65613c/easel/sdxl/unet"
)

// unetShape is what the UNet is compiled for: n latents of h x w, most of them
// at once, texts of the given number of tokens, a cache and patches.
type unetShape struct {
	n, most, h, w, tokens int
	cache                 unetCache
	patches               []unet.Patch
}

// unetShape returns the UNet that the options ask for.
func (r *resolved) unetShape(n, h, w, tokens int) unetShape {
	s := unetShape{n: n, most: n, h: h, w: w, tokens: tokens, cache: r.cache, patches: r.patches()}
	if r.SAG != 0 {
		s.patches = append(slices.Clip(s.patches), unet.ReceivedAttention())
	}
	return s
}

// patches returns the changes that the options make to every UNet of the run.
func (r *resolved) patches() []unet.Patch {
	if r.FreeU == nil {
		return nil
	}
	return []unet.Patch{r.FreeU.Patch()}
}

// shape returns what to record for a number of rows.
func (s *unetShape) shape(rows int, cut *unet.Cut) unet.Shape {
	return unet.Shape{Batch: rows, Height: s.h, Width: s.w, Tokens: s.tokens, Cut: cut}
}
