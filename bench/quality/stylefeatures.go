package quality

import "math"

// The layout of the features: a picture of side x side pixels, of which strip
// pixels are the border and rim the outermost.
const (
	side   = 128
	frame  = 24
	strip  = 12
	rim    = 4
	middle = 48
)

// styleFeatures measures what tells styles apart: where gradients lie in
// periods of 8 and 32 pixels, their directions, how light and how coloured the
// parts of the picture and of its border are, and shares of ink, paper, gold,
// magenta and cyan. The order is that of features in
// sdxl/demo/train/style_judge.py.
func styleFeatures(p pixels) []float64 {
	luma := make([]float64, side*side)
	for i, c := range p.rgb {
		luma[i] = .299*c[0] + .587*c[1] + .114*c[2]
	}
	g := gradientsOf(luma)
	mean, deviation := moments(luma)
	f := append(g.phases(func(i int) (int, float64) { return i % (side - 1), math.Abs(g.x[i]) }),
		g.phases(func(i int) (int, float64) { return i / (side - 1), math.Abs(g.y[i]) })...)
	f = append(f, g.directions(func(int) bool { return true })...)
	f = append(f, g.directions(inFrame)...)
	f = append(f, cells(luma, mean)...)
	f = append(f, p.regions(luma)...)
	f = append(f, mean, deviation)
	return append(f, p.shares(g)...)
}

// gradients are forward differences of the luma, (side-1) x (side-1).
type gradients struct{ x, y, size []float64 }

func gradientsOf(luma []float64) gradients {
	const n = side - 1
	g := gradients{make([]float64, n*n), make([]float64, n*n), make([]float64, n*n)}
	for i := range g.size {
		k := i/n*side + i%n
		g.x[i], g.y[i] = luma[k+1]-luma[k], luma[k+side]-luma[k]
		g.size[i] = math.Hypot(g.x[i], g.y[i])
	}
	return g
}

// inFrame reports whether a gradient lies near the picture's edge.
func inFrame(i int) bool {
	x, y := i%(side-1), i/(side-1)
	return min(x, y) < frame || max(x, y) >= side-frame
}

// phases returns the mean of a difference by place modulo 8 and, in pairs,
// modulo 32, over the mean of all. at gives the place and size of difference i.
func (g gradients) phases(at func(i int) (int, float64)) []float64 {
	var line [side - 1]float64
	total := 0.0
	for i := range g.size {
		place, v := at(i)
		line[place] += v / (side - 1)
		total += v / ((side - 1) * (side - 1))
	}
	var by8 [8]float64
	var by32 [16]float64
	var n8, n32 [16]float64
	for i, v := range line {
		by8[i%8] += v
		n8[i%8]++
		by32[i%32/2] += v
		n32[i%32/2]++
	}
	var out []float64
	for k, v := range by8 {
		out = append(out, v/n8[k]/(total+1e-4))
	}
	for k, v := range by32 {
		out = append(out, v/n32[k]/(total+1e-4))
	}
	return out
}

// directions returns the shares of the gradient in 8 directions, of which the
// first lies across.
func (g gradients) directions(counts func(i int) bool) []float64 {
	out, total := make([]float64, 8), 1e-6
	for i, v := range g.size {
		if !counts(i) {
			continue
		}
		out[int(math.Atan2(g.y[i], g.x[i])*(8/math.Pi)+8.5)%8] += v
		total += v
	}
	for k := range out {
		out[k] /= total
	}
	return out
}

// cells returns how much lighter than the mean each of 4 x 4 parts is.
func cells(luma []float64, mean float64) []float64 {
	out := make([]float64, 16)
	for i, v := range luma {
		out[i/side/32*4+i%side/32] += v / (32 * 32)
	}
	for k := range out {
		out[k] -= mean
	}
	return out
}

// regions returns the mean colour of four strips at the border and of the
// middle, how much the strips vary, and how much the colours of the rim do.
func (p pixels) regions(luma []float64) []float64 {
	inside := []func(x, y int) bool{
		func(_, y int) bool { return y < strip }, func(_, y int) bool { return y >= side-strip },
		func(x, _ int) bool { return x < strip }, func(x, _ int) bool { return x >= side-strip },
		func(x, y int) bool { return min(x, y) >= middle && max(x, y) < side-middle },
	}
	var means, spreads []float64
	for k, in := range inside {
		var channels [3][]float64
		var light []float64
		for i, c := range p.rgb {
			if in(i%side, i/side) {
				for j := range c {
					channels[j] = append(channels[j], c[j])
				}
				light = append(light, luma[i])
			}
		}
		for _, c := range channels {
			m, _ := moments(c)
			means = append(means, m)
		}
		if k < 4 {
			_, s := moments(light)
			spreads = append(spreads, s)
		}
	}
	return append(append(means, spreads...), p.rimSpread()...)
}

// rimSpread returns the deviation of each channel at the outermost pixels;
// corners count twice.
func (p pixels) rimSpread() (out []float64) {
	for c := range 3 {
		var v []float64
		for i, rgb := range p.rgb {
			x, y := i%side, i/side
			if y < rim || y >= side-rim {
				v = append(v, rgb[c])
			}
			if x < rim || x >= side-rim {
				v = append(v, rgb[c])
			}
		}
		_, s := moments(v)
		out = append(out, s)
	}
	return out
}

// shares returns the mean saturation and gradient, and the shares of pixels
// with steep gradients, of ink, paper, gray, gold, magenta and cyan.
func (p pixels) shares(g gradients) []float64 {
	var saturation, root, rootFrame, frames float64
	var steep, steepFrame [4]float64
	for i, v := range g.size {
		root += math.Sqrt(v)
		in := inFrame(i)
		if in {
			frames++
			rootFrame += math.Sqrt(v)
		}
		for k, t := range [4]float64{.01, .03, .08, .2} {
			if v > t {
				steep[k]++
				if in {
					steepFrame[k]++
				}
			}
		}
	}
	var tones [7]float64
	for _, c := range p.rgb {
		r, gr, b := c[0], c[1], c[2]
		high, low := max(r, gr, b), min(r, gr, b)
		saturation += high - low
		for k, is := range [7]bool{high < .1, high < .25, low > .9, high-low < .06,
			r > .8 && gr > .55 && b < .6, r > gr+.25 && b > gr+.15, b > r+.2 && gr > r+.1} {
			if is {
				tones[k]++
			}
		}
	}
	all, points := float64(len(g.size)), float64(len(p.rgb))
	out := []float64{saturation / points, root / all, rootFrame / frames}
	for _, v := range steep {
		out = append(out, v/all)
	}
	for _, v := range steepFrame {
		out = append(out, v/frames)
	}
	for _, v := range tones {
		out = append(out, v/points)
	}
	return out
}

// moments returns the mean and the deviation.
func moments(v []float64) (mean, deviation float64) {
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		deviation += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(deviation / float64(len(v)))
}
