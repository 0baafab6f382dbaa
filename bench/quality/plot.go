//go:build !nodemo

package quality

import (
	"fmt"
	"io"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/plotutil"
	"gonum.org/v1/plot/vg"
)

// WritePlot draws the percentage drawn all right against the steps, a line for
// each sampler, schedule and guidance scale. The format is png, svg or pdf.
func WritePlot(w io.Writer, format string, tallies []Tally) error {
	p := plot.New()
	p.Title.Text = "captions drawn right"
	p.X.Label.Text = "steps"
	p.Y.Label.Text = "percent"
	p.Y.Min, p.Y.Max = 0, 100
	p.Add(plotter.NewGrid())
	p.Legend.Top = false
	lines := make(map[string]plotter.XYs)
	var names []string
	for _, t := range tallies {
		name := strings.TrimSpace(fmt.Sprintf("%s %s, cfg %g %s", t.Sampler, t.Schedule, t.CFG, t.Cache))
		if lines[name] == nil {
			names = append(names, name)
		}
		lines[name] = append(lines[name], plotter.XY{X: float64(t.Steps), Y: t.Share(All)})
	}
	var args []any
	for _, name := range names {
		args = append(args, name, lines[name])
	}
	if err := plotutil.AddLinePoints(p, args...); err != nil {
		return err
	}
	c, err := p.WriterTo(16*vg.Centimeter, 10*vg.Centimeter, format)
	if err != nil {
		return err
	}
	_, err = c.WriteTo(w)
	return err
}
