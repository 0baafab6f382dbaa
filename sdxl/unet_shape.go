package sdxl

import (
	"regexp"

	"github.com/df65613c/easel/nn"
)

// unetShape is what the UNet is compiled for: n latents of h x w, most of them
// at once, texts of so many tokens, and a cache.
type unetShape struct {
	n, most, h, w, tokens int
	cache                 unetCache
	perturb               *regexp.Regexp // see unetRecorder
	freeU                 *FreeU
	listen                string
}

// unetShape returns the UNet that the options ask for.
func (r *resolved) unetShape(n, h, w, tokens int) unetShape {
	s := unetShape{n: n, most: n, h: h, w: w, tokens: tokens, cache: r.cache, freeU: r.FreeU}
	if r.SAG != 0 {
		s.listen = receivedLayer
	}
	return s
}

// record records the network for so many rows, and as more says, which may be nil.
func (s *unetShape) record(m *UNet, rows int, more func(*unetRecorder)) (*nn.Graph, error) {
	return m.record(rows, s.h, s.w, s.tokens, func(r *unetRecorder) {
		r.perturb, r.freeU, r.listen = s.perturb, s.freeU, s.listen
		if more != nil {
			more(r)
		}
	})
}
