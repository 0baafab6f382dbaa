package imagefile

import "image"

// plane holds the samples of a component, step bytes apart in a row.
type plane struct {
	samples      []byte
	stride, step int
}

// row copies a row of samples.
func (p plane) row(dst []byte, y int) {
	src := p.samples[y*p.stride:]
	if p.step == 1 {
		copy(dst, src)
		return
	}
	for x := range dst {
		dst[x] = src[x*p.step]
	}
}

// upsampler gives the rows of a component at the size of the picture, as
// libjpeg's "fancy" upsampling does: by a triangle filter where a side is
// halved, with samples repeated else.
type upsampler struct {
	plane
	height         int // in samples
	scaleX, scaleY int
	near, far      []byte
	sums           []int32 // of both, 3 to 1
	out            []byte
}

// newUpsampler returns one for a picture of w x h, of which the component has
// every scaleX-th column and every scaleY-th row.
func newUpsampler(p plane, w, h, scaleX, scaleY int) *upsampler {
	n := (w + scaleX - 1) / scaleX
	return &upsampler{
		plane: p, height: (h + scaleY - 1) / scaleY, scaleX: scaleX, scaleY: scaleY,
		near: make([]byte, n), far: make([]byte, n), sums: make([]int32, n), out: make([]byte, n*scaleX),
	}
}

// row returns a row of the picture. It holds until the next call.
func (u *upsampler) row(y int) []byte {
	halvedX, halvedY := u.scaleX == 2 && len(u.near) > 2, u.scaleY == 2
	u.plane.row(u.near, y/u.scaleY)
	switch {
	case halvedX && u.scaleY == 1:
		for x, v := range u.near {
			u.sums[x] = int32(v)
		}
		u.widen(1, 2, 2)
	case halvedX && halvedY:
		u.sum(y)
		u.widen(8, 7, 4)
	case u.scaleX == 1 && halvedY:
		u.sum(y)
		bias := 1 + int32(y%2)
		for x, s := range u.sums {
			u.out[x] = uint8((s + bias) >> 2)
		}
	case u.scaleX == 1:
		return u.near
	default:
		for x := range u.out {
			u.out[x] = u.near[x/u.scaleX]
		}
	}
	return u.out
}

// sum adds the nearest row of samples and the next nearest, 3 to 1.
func (u *upsampler) sum(y int) {
	u.plane.row(u.far, min(max(y/2-1+y%2*2, 0), u.height-1))
	far, sums := u.far[:len(u.near)], u.sums[:len(u.near)]
	for x, v := range u.near {
		sums[x] = 3*int32(v) + int32(far[x])
	}
}

// widen makes two columns of each sum, 3 to 1 with its neighbour. The biases of
// left and right differ, so that rounding has no drift.
func (u *upsampler) widen(biasLeft, biasRight int32, shift int) {
	sums, out := u.sums, u.out[:2*len(u.sums)]
	left := sums[0]
	for x, s := range sums {
		right := s
		if x+1 < len(sums) {
			right = sums[x+1]
		}
		out[2*x] = uint8((3*s + left + biasLeft) >> shift)
		out[2*x+1] = uint8((3*s + right + biasRight) >> shift)
		left = s
	}
}

// chromaScale returns how many columns and rows share a sample of chroma.
func chromaScale(r image.YCbCrSubsampleRatio) (x, y int) {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return 2, 1
	case image.YCbCrSubsampleRatio420:
		return 2, 2
	case image.YCbCrSubsampleRatio440:
		return 1, 2
	case image.YCbCrSubsampleRatio411:
		return 4, 1
	case image.YCbCrSubsampleRatio410:
		return 4, 2
	}
	return 1, 1
}

// fromYCC converts full-range YCbCr (JFIF) with libjpeg's rounding.
func fromYCC(y, cb, cr uint8) (r, g, b uint8) {
	const half = 1 << 15
	light, u, v := int32(y), int32(cb)-128, int32(cr)-128
	r = clamp(light + (91881*v+half)>>16)
	g = clamp(light + (-22554*u-46802*v+half)>>16)
	b = clamp(light + (116130*u+half)>>16)
	return r, g, b
}

// inked returns the light that an ink and black leave of 255.
func inked(ink, black uint8) uint8 {
	left := 255 - int32(black)
	product := int32(ink)*left + 128
	return clamp(left - (product>>8+product)>>8)
}

// clamp cuts v off at 0 and 255.
func clamp(v int32) uint8 {
	if uint32(v) > 255 {
		return uint8(^v >> 31) // 0 for what is negative
	}
	return uint8(v)
}
