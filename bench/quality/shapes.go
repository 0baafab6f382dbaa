package quality

import "math"

// field is a signed distance to a shape of radius about 1, y down, negative
// inside; those of the renderer in sdxl/demo/train/shapes.py.
type field func(x, y float64) float64

// shapes are the shapes that captions name.
var shapes = []struct {
	name  string
	field field
}{
	{"circle", func(x, y float64) float64 { return math.Hypot(x, y) - 0.9 }},
	{"square", func(x, y float64) float64 { return max(math.Abs(x), math.Abs(y)) - 0.8 }},
	{"triangle", func(x, y float64) float64 { return polygon(x, y-0.2, 3, math.Pi/2) - 0.08 }},
	{"star", star},
	{"heart", heart},
	{"ring", func(x, y float64) float64 { return math.Abs(math.Hypot(x, y)-0.7) - 0.22 }},
	{"diamond", func(x, y float64) float64 { return math.Abs(x)*0.82 + math.Abs(y)*0.57 - 0.57 }},
	{"cross", func(x, y float64) float64 {
		x, y = math.Abs(x), math.Abs(y)
		return min(max(x-0.3, y-0.92), max(x-0.92, y-0.3))
	}},
	{"moon", func(x, y float64) float64 { return max(math.Hypot(x, y)-0.92, 0.78-math.Hypot(x-0.45, y+0.1)) }},
	{"hexagon", func(x, y float64) float64 { return polygon(x, y, 6, 0) - 0.05 }},
	{"flower", func(x, y float64) float64 {
		r := math.Hypot(x, y)
		return max((r-(0.72+0.24*math.Cos(5*math.Atan2(x, -y))))*0.75, 0.2-r)
	}},
	{"oval", func(x, y float64) float64 { return (math.Hypot(x, y*1.75) - 1) * 0.65 }},
}

func polygon(x, y float64, sides int, angle float64) float64 {
	d := math.Inf(-1)
	for i := range sides {
		sin, cos := math.Sincos(angle + float64(i)*2*math.Pi/float64(sides))
		d = max(d, x*cos+y*sin)
	}
	return d - math.Cos(math.Pi/float64(sides))
}

func star(x, y float64) float64 {
	const tip, notch, half = 1.05, 0.45, math.Pi / 5
	r := math.Hypot(x, y)
	t := math.Mod(math.Atan2(x, -y)+half+2*math.Pi, 2*half) - half
	ex, ey := notch*math.Cos(half)-tip, notch*math.Sin(half)
	sin, cos := math.Sincos(math.Abs(t))
	return ((r*cos-tip)*ey - r*sin*ex) / math.Hypot(ex, ey)
}

// heart is after Quilez, "2D distance functions".
func heart(x, y float64) float64 {
	x, y = math.Abs(x)*0.6, 0.56-y*0.6
	if x+y > 1 {
		return (math.Hypot(x-0.25, y-0.75) - 0.3536) / 0.6
	}
	m := max(x+y, 0) * 0.5
	return math.Copysign(min(math.Hypot(x, y-1), math.Hypot(x-m, y-m)), x-y) / 0.6
}

// palette are the colours that captions name, in the order of a scene's numbers.
var palette = []struct {
	name string
	rgb  [3]float64
}{
	{"red", [3]float64{220, 35, 40}}, {"green", [3]float64{40, 165, 60}}, {"blue", [3]float64{35, 80, 215}},
	{"yellow", [3]float64{250, 215, 40}}, {"orange", [3]float64{245, 135, 25}}, {"purple", [3]float64{130, 50, 180}},
	{"pink", [3]float64{250, 130, 180}}, {"cyan", [3]float64{50, 205, 220}}, {"brown", [3]float64{120, 75, 40}},
	{"white", [3]float64{250, 250, 250}}, {"black", [3]float64{20, 20, 22}}, {"gray", [3]float64{135, 135, 140}},
}
