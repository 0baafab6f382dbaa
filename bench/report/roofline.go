//go:build !nodemo

package report

import (
	"image/color"
	"io"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// WriteRoofline draws rates against arithmetic intensity, under the roof of
// the peak and of the memory's bandwidth (Williams, Waterman and Patterson
// 2009). The format is png, svg or pdf.
func WriteRoofline(w io.Writer, format string, peak, bandwidth float64, points []Point) error {
	p := plot.New()
	p.Title.Text = "roofline"
	p.X.Label.Text, p.Y.Label.Text = "FLOP/byte", "GFLOP/s"
	logarithmic(&p.X)
	logarithmic(&p.Y)
	low, high := peak/bandwidth/8, peak/bandwidth*8
	for _, q := range points {
		low, high = min(low, q.Intensity/2), max(high, q.Intensity*2)
	}
	roof, err := plotter.NewLine(plotter.XYs{{X: low, Y: low * bandwidth}, {X: peak / bandwidth, Y: peak}, {X: high, Y: peak}})
	if err != nil {
		return err
	}
	roof.Color = color.Gray{Y: 96}
	p.Add(plotter.NewGrid(), roof)
	kinds := make(map[string]plotter.XYs)
	var names []string
	for _, q := range points {
		if kinds[q.Kind] == nil {
			names = append(names, q.Kind)
		}
		kinds[q.Kind] = append(kinds[q.Kind], plotter.XY{X: q.Intensity, Y: q.GFLOPS})
	}
	for i, name := range names {
		s, err := plotter.NewScatter(kinds[name])
		if err != nil {
			return err
		}
		s.GlyphStyle = draw.GlyphStyle{Color: plotutil.Color(i), Shape: plotutil.Shape(i), Radius: vg.Points(3)}
		p.Add(s)
		p.Legend.Add(name, s)
	}
	return write(w, format, p)
}

func logarithmic(a *plot.Axis) {
	a.Scale = plot.LogScale{}
	a.Tick.Marker = plot.LogTicks{Prec: -1}
}

func write(w io.Writer, format string, p *plot.Plot) error {
	for _, a := range []*plot.Axis{&p.X, &p.Y} { // whole decades, for their ticks to be there
		a.Min = math.Pow(10, math.Floor(math.Log10(a.Min)))
		a.Max = math.Pow(10, math.Ceil(math.Log10(a.Max)))
	}
	c, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, format)
	if err != nil {
		return err
	}
	_, err = c.WriteTo(w)
	return err
}
