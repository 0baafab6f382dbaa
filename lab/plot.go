//go:build !nodemo

package lab

import (
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// WritePlot draws the error against the calls of the denoiser, both in
// logarithms, a line for each sampler. The format is png, svg or pdf.
func WritePlot(w io.Writer, format string, curves []Curve) error {
	p := plot.New()
	p.Title.Text = "work and precision"
	p.X.Label.Text, p.Y.Label.Text = "calls of the denoiser", "error"
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.LogTicks{Prec: 4}, plot.LogTicks{Prec: 1}
	p.Legend.Left = true
	p.Add(plotter.NewGrid())
	var args []any
	for _, c := range curves {
		var line plotter.XYs
		for _, point := range c.Points {
			if point.Error > 0 { // else it has no logarithm
				line = append(line, plotter.XY{X: float64(point.Calls), Y: point.Error})
			}
		}
		args = append(args, c.Sampler, line)
	}
	if err := plotutil.AddLinePoints(p, args...); err != nil {
		return err
	}
	c, err := p.WriterTo(16*vg.Centimeter, 12*vg.Centimeter, format)
	if err != nil {
		return err
	}
	_, err = c.WriteTo(w)
	return err
}
