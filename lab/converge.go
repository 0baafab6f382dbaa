// Package lab studies samplers on problems whose solutions are known.
package lab

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sched/exact"
)

// Problem is one with a known solution from a state at one noise level to another.
type Problem struct {
	Name string
	exact.Problem
	X        []float64
	From, To float64
}

// Problems lists them. They begin where the estimate of x0 changes: from a
// higher noise level, where it hardly does, a multistep sampler's first steps,
// of low order, show at many steps only.
func Problems() []Problem {
	return []Problem{
		{"gaussian", exact.Gaussian{Mean: []float64{-1, 0.5, 2}, Deviation: []float64{0.3, 1, 0.7}}, []float64{4, -9, 6}, 2, 0.1},
		{"mixture", exact.Mixture{
			{Weight: 2, Mean: []float64{-1, 0.5, 1}, Deviation: 0.6},
			{Weight: 1, Mean: []float64{1, 0, -0.5}, Deviation: 0.8},
		}, []float64{4, -9, 6}, 2, 0.1},
	}
}

// ProblemNamed finds a problem.
func ProblemNamed(name string) (Problem, error) {
	all := Problems()
	i := slices.IndexFunc(all, func(p Problem) bool { return p.Name == name })
	if i < 0 {
		var names []string
		for _, p := range all {
			names = append(names, p.Name)
		}
		return Problem{}, fmt.Errorf("lab: no problem %q; there are %s", name, strings.Join(names, ", "))
	}
	return all[i], nil
}

// Curve is a sampler's error at several numbers of steps: of the path, or, Weak,
// of the distribution, or, Strong, of paths along one Brownian motion.
type Curve struct {
	Sampler string        `json:"sampler"`
	Weak    bool          `json:"weak"`
	Strong  bool          `json:"strong,omitempty"`
	Points  []exact.Point `json:"points"`
}

// Converge measures samplers on a problem: how far they end from the solution of
// the ODE. Those that add noise end anywhere, with a distribution that is known on
// normal distributions; there the error is that of its mean and deviation, and
// elsewhere they are left out.
func Converge(ctx context.Context, samplers []sched.Sampler, p Problem, steps []int) ([]Curve, error) {
	if len(steps) < 2 {
		return nil, fmt.Errorf("lab: %d numbers of steps, want at least 2 to fit a slope to", len(steps))
	}
	var curves []Curve
	for _, s := range samplers {
		c := Curve{Sampler: s.Name, Weak: AddsNoise(ctx, s)}
		g, normal := p.Problem.(exact.Gaussian)
		var err error
		switch {
		case !c.Weak:
			c.Points, err = exact.Converge(ctx, s, p, p.X, p.From, p.To, steps...)
		case normal:
			c.Points, err = exact.ConvergeWeak(ctx, s, g, p.From, p.To, steps...)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		curves = append(curves, c)
	}
	return curves, nil
}

// strongRefinement is how much finer the run is that strong errors are to.
const strongRefinement = 16

// ConvergeStrong measures how far samplers that draw noise once a step end from
// their own fine run along the same Brownian motion, on a normal distribution; others
// are left out. Its time grows with the square of the most steps.
func ConvergeStrong(ctx context.Context, samplers []sched.Sampler, p Problem, steps []int) ([]Curve, error) {
	g, ok := p.Problem.(exact.Gaussian)
	if !ok {
		return nil, fmt.Errorf("lab: strong errors on %s, want gaussian", p.Name)
	}
	if len(steps) < 2 {
		return nil, fmt.Errorf("lab: %d numbers of steps, want at least 2 to fit a slope to", len(steps))
	}
	var curves []Curve
	for _, s := range samplers {
		if !AddsNoise(ctx, s) {
			continue
		}
		points, err := exact.ConvergeStrong(ctx, s, g, p.From, p.To, strongRefinement*slices.Max(steps), steps...)
		if errors.Is(err, exact.ErrDraws) {
			continue
		}
		if err != nil {
			return nil, err
		}
		curves = append(curves, Curve{Sampler: s.Name, Strong: true, Points: points})
	}
	return curves, nil
}

func (c Curve) of() string {
	if c.Strong {
		return "motion"
	}
	if c.Weak {
		return "distribution"
	}
	return "path"
}

// ConvergeTable is a row for each curve: the fitted order, and the error at each
// number of steps.
func ConvergeTable(curves []Curve) Table {
	t := Table{Columns: []string{"sampler", "error of", "order", "calls a step"}}
	for i, c := range curves {
		last := c.Points[len(c.Points)-1]
		row := []string{c.Sampler, c.of(), fmt.Sprintf("%.2f", exact.Order(c.Points)),
			fmt.Sprintf("%.3g", float64(last.Calls)/float64(last.Steps))}
		for _, p := range c.Points {
			if i == 0 {
				t.Columns = append(t.Columns, fmt.Sprintf("%d steps", p.Steps))
			}
			row = append(row, fmt.Sprintf("%.1e", p.Error))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// PointsTable is a row for each point.
func PointsTable(curves []Curve) Table {
	t := Table{Columns: []string{"sampler", "error of", "steps", "calls", "error"}}
	for _, c := range curves {
		for _, p := range c.Points {
			t.Rows = append(t.Rows, []string{c.Sampler, c.of(), strconv.Itoa(p.Steps), strconv.Itoa(p.Calls),
				strconv.FormatFloat(p.Error, 'g', -1, 64)})
		}
	}
	return t
}

// WorkPrecision is the error against the calls of the denoiser.
func WorkPrecision(curves []Curve) Figure {
	f := Figure{Title: "work and precision", X: "calls of the denoiser", Y: "error", LogX: true, LogY: true}
	for _, c := range curves {
		for _, p := range c.Points {
			f.Add(c.Sampler, float64(p.Calls), p.Error)
		}
	}
	return f
}
