// Package quality scores pictures of coloured shapes against their captions,
// so that what a sampler, a guidance scale or a number format does to a picture
// is a number.
//
// The judge is analytic: what differs from the border is an object, and its
// median colour is matched with a palette. How much of each pixel it covers is
// read off the blend of its colour with that behind it, and the shape is the
// one whose coverage differs least. Nothing in it is trained.
package quality

import (
	"image"
	"math"
)

const (
	smallest  = 60   // pixels of an object
	different = 0.12 // distance in RGB, 0 to 1, from the background
	reach     = 3    // pixels that a soft edge goes beyond an object
)

// Thing is an object found in a picture; X and Y are its middle in pixels.
type Thing struct {
	Shape string
	Color int // number in the palette
	X, Y  float64
}

// Read returns the things in a picture on a background of one colour.
func Read(img *image.NRGBA) []Thing {
	p := pixelsOf(img)
	background := p.background()
	cores := p.cores(background)
	all := newMask(p.w, len(p.rgb), cores...)
	var things []Thing
	for _, core := range cores {
		own := p.median(core)
		self := newMask(p.w, len(p.rgb), core)
		near := self.grow(reach).and(func(i int) bool { return self.on[i] || !all.on[i] })
		x0, x1, y0, y1 := bounds(core, p.w)
		things = append(things, Thing{shapeOf(p.coverage(near, own, background)), nameOf(own), float64(x0+x1) / 2, float64(y0+y1) / 2})
	}
	return things
}

// cores returns the objects, each without what is nearer to the background's
// colour than to its own: a soft edge may touch another's.
func (p pixels) cores(background rgb) (found [][]int) {
	for _, part := range p.foreground(background).parts() {
		if len(part) < smallest {
			continue
		}
		own := p.median(part)
		core := newMask(p.w, len(p.rgb),
			part).and(func(i int) bool { return distance2(p.rgb[i], background) > distance2(p.rgb[i], own) })
		for _, c := range core.parts() {
			if len(c) >= smallest {
				found = append(found, c)
			}
		}
	}
	return found
}

// foreground marks what differs from the background.
func (p pixels) foreground(background rgb) mask {
	m := newMask(p.w, len(p.rgb))
	for i, c := range p.rgb {
		m.on[i] = math.Sqrt(distance2(c, background)) > different
	}
	return m
}

// readInside returns the largest thing, and the part of it whose colour is
// nearer to inner than to outer.
func readInside(img *image.NRGBA, outer, inner int) []Thing {
	p := pixelsOf(img)
	background := p.background()
	body := p.filled(background)
	inside := body.and(func(i int) bool {
		edge := i%p.w == 0 || i%p.w == p.w-1 || i/p.w == 0 || i/p.w == p.h-1
		return !edge && paletteDistance(p.rgb[i], inner) < paletteDistance(p.rgb[i], outer)
	}).largest()
	body = body.largest()
	shell, core := body.and(func(i int) bool { return !inside.on[i] }).cells(), inside.cells()
	if len(shell) < smallest {
		return nil
	}
	own := p.median(shell)
	near := inside.grow(reach).and(func(i int) bool { return body.on[i] })
	whole := p.coverage(body.grow(reach), own, background)
	for _, i := range near.cells() {
		whole.share[i] = 1
	}
	things := []Thing{p.thing(shapeOf(whole), own, body)}
	if len(core) >= smallest {
		color := p.median(core)
		things = append(things, p.thing(shapeOf(p.coverage(near, color, own)), color, inside))
	}
	return things
}

// filled marks what the background does not reach from the top or the left.
func (p pixels) filled(background rgb) mask {
	body := newMask(p.w, len(p.rgb)).not()
	for _, hole := range p.foreground(background).not().parts() {
		if x0, _, y0, _ := bounds(hole, p.w); min(x0, y0) == 0 {
			for _, i := range hole {
				body.on[i] = false
			}
		}
	}
	return body
}

// thing is an object whose middle is the mean place of its pixels.
func (p pixels) thing(shape string, color rgb, m mask) Thing {
	t, cells := Thing{Shape: shape, Color: nameOf(color)}, m.cells()
	for _, i := range cells {
		t.X += float64(i%p.w) / float64(len(cells))
		t.Y += float64(i/p.w) / float64(len(cells))
	}
	return t
}
