// Package lab studies samplers on problems whose solutions are known.
package lab

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

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

// Curve is a sampler's error at several numbers of steps.
type Curve struct {
	Sampler string
	Points  []exact.Point
}

// Converge measures samplers on a problem. It leaves out those that add noise:
// what they do is not the solution of an ODE.
func Converge(ctx context.Context, samplers []sched.Sampler, p Problem, steps []int) ([]Curve, error) {
	if len(steps) < 2 {
		return nil, fmt.Errorf("lab: %d numbers of steps, want at least 2 to fit a slope to", len(steps))
	}
	var curves []Curve
	for _, s := range samplers {
		points, err := exact.Converge(ctx, s, p, p.X, p.From, p.To, steps...)
		if errors.Is(err, sched.ErrNoNoise) {
			continue
		}
		if err != nil {
			return nil, err
		}
		curves = append(curves, Curve{s.Name, points})
	}
	return curves, nil
}

// WriteTable writes a row for each curve, as Markdown: the fitted order, and the
// error at each number of steps.
func WriteTable(w io.Writer, curves []Curve) error {
	t := tabwriter.NewWriter(w, 0, 0, 1, ' ', 0)
	for i, c := range curves {
		if i == 0 {
			fmt.Fprint(t, "| sampler\t| order\t| calls a step\t")
			for _, p := range c.Points {
				fmt.Fprintf(t, "| %d steps\t", p.Steps)
			}
			fmt.Fprintf(t, "|\n|---\t|---\t|---\t%s|\n", strings.Repeat("|---\t", len(c.Points)))
		}
		last := c.Points[len(c.Points)-1]
		fmt.Fprintf(t, "| %s\t| %.2f\t| %.3g\t", c.Sampler, exact.Order(c.Points), float64(last.Calls)/float64(last.Steps))
		for _, p := range c.Points {
			fmt.Fprintf(t, "| %.1e\t", p.Error)
		}
		fmt.Fprintln(t, "|")
	}
	return t.Flush()
}

// WriteCSV writes a row for each point.
func WriteCSV(w io.Writer, curves []Curve) error {
	c := csv.NewWriter(w)
	rows := [][]string{{"sampler", "steps", "calls", "error"}}
	for _, curve := range curves {
		for _, p := range curve.Points {
			rows = append(rows, []string{curve.Sampler, strconv.Itoa(p.Steps), strconv.Itoa(p.Calls), strconv.FormatFloat(p.Error, 'g', -1, 64)})
		}
	}
	return c.WriteAll(rows)
}
