// Package quality scores pictures of coloured shapes against their captions,
// so that what a sampler, a guidance scale or a number format does to a picture
// is a number.
//
// The judge is analytic: what differs from the border is an object, its median
// colour is matched with a palette and its silhouette with those of the shapes.
// Nothing in it is trained.
package quality

import (
	"image"
	"math"
	"slices"
	"sync"
)

const (
	side      = 32   // of a normalised silhouette
	smallest  = 60   // pixels of an object
	different = 0.15 // distance in RGB, 0 to 1, from the background
)

// Thing is an object found in a picture; X and Y are its middle in pixels.
type Thing struct {
	Shape string
	Color int // number in the palette
	X, Y  float64
}

// pixels is a picture in 0 to 1.
type pixels struct {
	w, h int
	rgb  [][3]float64
}

func pixelsOf(img *image.NRGBA) pixels {
	b := img.Bounds()
	p := pixels{b.Dx(), b.Dy(), make([][3]float64, b.Dx()*b.Dy())}
	for i := range p.rgb {
		c := img.NRGBAAt(b.Min.X+i%p.w, b.Min.Y+i/p.w)
		p.rgb[i] = [3]float64{float64(c.R) / 255, float64(c.G) / 255, float64(c.B) / 255}
	}
	return p
}

// Read returns the things in a picture on a background of one colour.
func Read(img *image.NRGBA) []Thing {
	p := pixelsOf(img)
	var things []Thing
	for _, part := range parts(p.foreground(), p.w) {
		if len(part) >= smallest {
			x0, x1, y0, y1 := bounds(part, p.w)
			things = append(things, Thing{shapeOf(p.sharpen(part), p.w), p.color(part), float64(x0+x1) / 2, float64(y0+y1) / 2})
		}
	}
	return things
}

// readInside returns the largest thing, and the part of it whose colour is
// nearer to inner than to outer.
func readInside(img *image.NRGBA, outer, inner int) []Thing {
	p := pixelsOf(img)
	background := p.foreground()
	for i := range background {
		background[i] = !background[i]
	}
	// What the background does not reach belongs to the body.
	body := make([]bool, len(background))
	for i := range body {
		body[i] = true
	}
	for _, hole := range parts(background, p.w) {
		x0, _, y0, _ := bounds(hole, p.w)
		if min(x0, y0) == 0 {
			for _, i := range hole {
				body[i] = false
			}
		}
	}
	inside := make([]bool, len(body))
	for i, c := range p.rgb {
		edge := i%p.w == 0 || i%p.w == p.w-1 || i/p.w == 0 || i/p.w == p.h-1
		inside[i] = body[i] && !edge && paletteDistance(c, inner) < paletteDistance(c, outer)
	}
	var things []Thing
	for k, mask := range [][]bool{body, inside} {
		var part []int
		for _, q := range parts(mask, p.w) {
			if len(q) > len(part) {
				part = q
			}
		}
		own := part // what has the thing's colour
		if k == 0 {
			own = slices.DeleteFunc(slices.Clone(part), func(i int) bool { return inside[i] })
		}
		if len(own) < smallest {
			continue
		}
		x, y := p.middle(part)
		things = append(things, Thing{shapeOf(part, p.w), p.color(own), x, y})
	}
	return things
}

// sharpen leaves out of a part what is nearer to the background's colour than
// to its own: a soft edge would make a hexagon rounder and a star fuller.
func (p pixels) sharpen(part []int) []int {
	background, own := p.background(), p.median(part)
	kept := slices.DeleteFunc(slices.Clone(part), func(i int) bool { return distance2(p.rgb[i], background) <= distance2(p.rgb[i], own) })
	if len(kept) < smallest {
		return part
	}
	return kept
}

// middle returns the mean place of pixels.
func (p pixels) middle(cells []int) (x, y float64) {
	for _, i := range cells {
		x += float64(i%p.w) / float64(len(cells))
		y += float64(i/p.w) / float64(len(cells))
	}
	return x, y
}

// background returns the median of the border.
func (p pixels) background() [3]float64 {
	var border [][3]float64
	for y := range p.h {
		for x := range p.w {
			// Corners count twice, as they belong to two sides.
			if y < 3 || y >= p.h-3 {
				border = append(border, p.rgb[y*p.w+x])
			}
			if x < 3 || x >= p.w-3 {
				border = append(border, p.rgb[y*p.w+x])
			}
		}
	}
	return median(border)
}

// foreground marks what differs from the background.
func (p pixels) foreground() []bool {
	m := p.background()
	mask := make([]bool, len(p.rgb))
	for i, c := range p.rgb {
		mask[i] = math.Sqrt(distance2(c, m)) > different
	}
	return mask
}

func (p pixels) median(part []int) [3]float64 {
	var colors [][3]float64
	for _, i := range part {
		colors = append(colors, p.rgb[i])
	}
	return median(colors)
}

func (p pixels) color(part []int) int {
	m, best := p.median(part), 0
	for c := range palette {
		if paletteDistance(m, c) < paletteDistance(m, best) {
			best = c
		}
	}
	return best
}

// median returns the median of each channel.
func median(colors [][3]float64) (m [3]float64) {
	v := make([]float64, len(colors))
	for c := range m {
		for i := range colors {
			v[i] = colors[i][c]
		}
		slices.Sort(v)
		m[c] = (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	}
	return m
}

func distance2(a, b [3]float64) (d float64) {
	for c := range a {
		d += (a[c] - b[c]) * (a[c] - b[c])
	}
	return d
}

func paletteDistance(c [3]float64, number int) float64 {
	var rgb [3]float64
	for i, v := range palette[number].rgb {
		rgb[i] = v / 255
	}
	return distance2(c, rgb)
}

// parts returns the connected parts of a mask, each as indices of its pixels;
// pixels connect to the four beside them.
func parts(mask []bool, w int) [][]int {
	left := slices.Clone(mask)
	var found [][]int
	for start := range left {
		if !left[start] {
			continue
		}
		left[start] = false
		cells := []int{start}
		for k := 0; k < len(cells); k++ {
			i := cells[k]
			x := i % w
			for _, q := range [4]struct {
				index int
				ok    bool
			}{{i - 1, x > 0}, {i + 1, x < w-1}, {i - w, true}, {i + w, true}} {
				if q.ok && q.index >= 0 && q.index < len(left) && left[q.index] {
					left[q.index] = false
					cells = append(cells, q.index)
				}
			}
		}
		found = append(found, cells)
	}
	return found
}

// bounds returns the box around pixels; x1 and y1 are one beyond.
func bounds(cells []int, w int) (x0, x1, y0, y1 int) {
	x0, y0 = math.MaxInt, math.MaxInt
	for _, i := range cells {
		x0, x1 = min(x0, i%w), max(x1, i%w+1)
		y0, y1 = min(y0, i/w), max(y1, i/w+1)
	}
	return x0, x1, y0, y1
}

// silhouette is a mask of side x side.
type silhouette [side * side]bool

// normalise scales pixels so that the longer side of their box fills the
// silhouette, and centres them.
func normalise(cells []int, w int) (s silhouette) {
	x0, x1, y0, y1 := bounds(cells, w)
	size := max(x1-x0, y1-y0)
	mask := make([]bool, size*size)
	for _, i := range cells {
		mask[(i/w-y0+(size-(y1-y0))/2)*size+i%w-x0+(size-(x1-x0))/2] = true
	}
	at := func(i int) int { return int((float64(i) + 0.5) * float64(size) / side) }
	for y := range side {
		for x := range side {
			s[y*side+x] = mask[at(y)*size+at(x)]
		}
	}
	return s
}

type template struct {
	shape string
	mask  silhouette
}

var templates = sync.OnceValue(makeTemplates)

func makeTemplates() (list []template) {
	const n, reach = 128, 1.3
	for _, s := range shapes {
		for _, degrees := range []float64{-10, -5, 0, 5, 10} {
			sin, cos := math.Sincos(degrees * math.Pi / 180)
			var cells []int
			for i := range n * n {
				gx, gy := reach*(2*float64(i%n)/(n-1)-1), reach*(2*float64(i/n)/(n-1)-1)
				if s.field(cos*gx+sin*gy, cos*gy-sin*gx) < 0 {
					cells = append(cells, i)
				}
			}
			list = append(list, template{s.name, normalise(cells, n)})
		}
	}
	return list
}

// shapeOf returns the shape whose silhouette overlaps best: the largest
// intersection over union.
func shapeOf(cells []int, w int) string {
	m := normalise(cells, w)
	best, name := -1.0, ""
	all := templates()
	for i := range all {
		t := &all[i]
		both, either := 0, 0
		for j, v := range m {
			if v && t.mask[j] {
				both++
			}
			if v || t.mask[j] {
				either++
			}
		}
		if iou := float64(both) / float64(either); iou > best {
			best, name = iou, t.shape
		}
	}
	return name
}
