package quality

import (
	"image"
	"slices"
)

// pixels is a picture in 0 to 1.
type pixels struct {
	w, h int
	rgb  []rgb
}

func pixelsOf(img *image.NRGBA) pixels {
	b := img.Bounds()
	p := pixels{b.Dx(), b.Dy(), make([]rgb, b.Dx()*b.Dy())}
	for i := range p.rgb {
		c := img.NRGBAAt(b.Min.X+i%p.w, b.Min.Y+i/p.w)
		p.rgb[i] = rgb{float64(c.R) / 255, float64(c.G) / 255, float64(c.B) / 255}
	}
	return p
}

// rgb is a colour, 0 to 1.
type rgb [3]float64

// background returns the median of the border.
func (p pixels) background() rgb {
	var border []rgb
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

func (p pixels) median(cells []int) rgb {
	var colors []rgb
	for _, i := range cells {
		colors = append(colors, p.rgb[i])
	}
	return median(colors)
}

// median returns the median of each channel.
func median(colors []rgb) (m rgb) {
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

func distance2(a, b rgb) (d float64) {
	for c := range a {
		d += (a[c] - b[c]) * (a[c] - b[c])
	}
	return d
}

// paletteDistance is the squared distance to a colour of the palette.
func paletteDistance(c rgb, number int) float64 {
	var named rgb
	for i, v := range palette[number].rgb {
		named[i] = v / 255
	}
	return distance2(c, named)
}

// nameOf returns the number of the nearest colour of the palette.
func nameOf(c rgb) int {
	best := 0
	for k := range palette {
		if paletteDistance(c, k) < paletteDistance(c, best) {
			best = k
		}
	}
	return best
}
