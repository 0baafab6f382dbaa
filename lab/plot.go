//go:build !nodemo

package lab

import (
	"errors"
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// Write draws the figure. The format is png, svg or pdf.
func (f Figure) Write(w io.Writer, format string) error {
	p := plot.New()
	p.Title.Text, p.X.Label.Text, p.Y.Label.Text = f.Title, f.X, f.Y
	if f.LogX {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: 4}
	}
	if f.LogY {
		p.Y.Scale, p.Y.Tick.Marker = plot.LogScale{}, plot.LogTicks{Prec: 1}
	}
	p.Legend.Left = f.LogX && f.LogY // where error falls with work, the lower left is free
	p.Legend.Top = !p.Legend.Left
	p.Add(plotter.NewGrid())
	var args []any
	for _, l := range f.Lines {
		points := make(plotter.XYs, len(l.Points))
		for i, at := range l.Points {
			points[i] = plotter.XY{X: at[0], Y: at[1]}
		}
		args = append(args, l.Name, points)
	}
	if len(args) == 0 {
		return errors.New("nothing to plot")
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
