package quality

import (
	"math"
	"sync"
)

// coverage is how much of each pixel of a picture an object covers, 0 to 1.
type coverage struct {
	w     int
	share []float64
}

// coverage reads each pixel in m as a blend of an object's own colour and the
// one behind it; the others are not covered.
func (p pixels) coverage(m mask, own, behind rgb) coverage {
	var d rgb
	for c := range d {
		d[c] = own[c] - behind[c]
	}
	length := max(distance2(own, behind), 1e-9)
	out := coverage{p.w, make([]float64, len(p.rgb))}
	for _, i := range m.cells() {
		dot := 0.0
		for c := range d {
			dot += (p.rgb[i][c] - behind[c]) * d[c]
		}
		out.share[i] = min(max(dot/length, 0), 1)
	}
	return out
}

var (
	rotations = [...]float64{-12, -6, 0, 6, 12} // degrees
	softness  = [...]float64{1.5, 3}            // pixels from covered to not covered
)

// shapeOf returns the shape that, scaled to the same area and centred at the
// same place, differs least from c: by least squares, over rotations and
// softnesses of its edge.
func shapeOf(c coverage) string {
	var total, cx, cy float64
	for i, v := range c.share {
		total += v
		cx += v * float64(i%c.w)
		cy += v * float64(i/c.w)
	}
	cx, cy = cx/total, cy/total
	best, name := math.Inf(1), ""
	for k, g := range geometries() {
		r := math.Sqrt(total / g.area)
		for _, degrees := range rotations {
			sin, cos := math.Sincos(degrees * math.Pi / 180)
			var miss [len(softness)]float64
			for i, v := range c.share {
				x, y := float64(i%c.w)-cx, float64(i/c.w)-cy
				if v == 0 && math.Hypot(x, y) > 1.5*r+2 {
					continue // beyond every shape's edge
				}
				d := shapes[k].field((cos*x+sin*y)/r+g.x, (cos*y-sin*x)/r+g.y) * r
				for j, s := range softness {
					e := min(max(0.5-d/s, 0), 1) - v
					miss[j] += e * e
				}
			}
			if m := min(miss[0], miss[1]); m < best {
				best, name = m, shapes[k].name
			}
		}
	}
	return name
}

// geometry is the area of a shape of radius 1, and its middle.
type geometry struct{ area, x, y float64 }

var geometries = sync.OnceValue(func() []geometry {
	const n, reach = 400, 1.3
	const cell = 2 * reach / n
	list := make([]geometry, len(shapes))
	for k, s := range shapes {
		g, count := &list[k], 0.0
		for i := range n * n {
			x, y := (float64(i%n)+0.5)*cell-reach, (float64(i/n)+0.5)*cell-reach
			if s.field(x, y) < 0 {
				count++
				g.x += x
				g.y += y
			}
		}
		g.area, g.x, g.y = count*cell*cell, g.x/count, g.y/count
	}
	return list
})
