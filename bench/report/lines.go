//go:build !nodemo

package report

import (
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// WriteLines draws lines over the same axis, from 0 up. The format is png, svg
// or pdf.
func WriteLines(w io.Writer, format, title, x string, lines []Line) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text = title, x
	p.Y.Min = 0
	p.Legend.Top = true
	p.Add(plotter.NewGrid())
	for i, l := range lines {
		points := make(plotter.XYs, len(l.X))
		for j := range points {
			points[j] = plotter.XY{X: l.X[j], Y: l.Y[j]}
			p.Y.Max = max(p.Y.Max, 1.4*l.Y[j]) // room for the legend
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return err
		}
		line.Color, line.Dashes = plotutil.Color(i), plotutil.Dashes(i)
		p.Add(line)
		p.Legend.Add(l.Name, line)
	}
	c, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, format)
	if err != nil {
		return err
	}
	_, err = c.WriteTo(w)
	return err
}
