//go:build !nodemo

package report

import (
	"io"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
)

// WriteScale draws seconds against pixels, beside those that the FLOPs would
// take at the peak, in GFLOP/s. The format is png, svg or pdf.
func WriteScale(w io.Writer, format, title string, peak float64, costs []Cost) error {
	p := plot.New()
	p.Title.Text = title
	p.X.Label.Text, p.Y.Label.Text = "pixels", "seconds"
	logarithmic(&p.X)
	logarithmic(&p.Y)
	p.Legend.Top, p.Legend.Left = true, true
	p.Add(plotter.NewGrid())
	var measured, least plotter.XYs
	for _, c := range costs {
		measured = append(measured, plotter.XY{X: c.Pixels, Y: c.Seconds})
		least = append(least, plotter.XY{X: c.Pixels, Y: c.FLOPs / peak / 1e9})
	}
	if err := plotutil.AddLinePoints(p, "measured", measured, "arithmetic at peak", least); err != nil {
		return err
	}
	return write(w, format, p)
}
