package sdxl

import (
	"fmt"
	"slices"

	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/sdxl/unet"
)

// unetShape is what the UNet is compiled for: n latents of h x w, most of them
// at once, texts of the given number of tokens, a cache and patches.
type unetShape struct {
	n, most, h, w, tokens int
	cache                 unetCache
	patches               []unet.Patch
	patched               string // names the patches
	adapters              *adapt.Set
}

// unetShape returns the UNet that the options ask for.
func (r *resolved) unetShape(n, h, w, tokens int) unetShape {
	s := unetShape{n: n, most: n, h: h, w: w, tokens: tokens, cache: r.cache, patches: r.patches(), patched: r.patched(),
		adapters: r.set.For(unetPart)}
	if r.SAG != 0 {
		s.patches, s.patched = append(slices.Clip(s.patches), unet.ReceivedAttention()), s.patched+" received"
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

// patched names them.
func (r *resolved) patched() string {
	if r.FreeU == nil {
		return ""
	}
	return fmt.Sprintf("freeu %+v", *r.FreeU)
}

// key is the same for shapes whose compiled networks do the same.
func (s *unetShape) key() string {
	return fmt.Sprint(s.n, s.most, s.h, s.w, s.tokens, s.cache, s.patched, s.adapters.Key())
}

// shape returns what to record for a number of rows.
func (s *unetShape) shape(rows int, cut *unet.Cut) unet.Shape {
	return unet.Shape{Batch: rows, Height: s.h, Width: s.w, Tokens: s.tokens, Cut: cut}
}
