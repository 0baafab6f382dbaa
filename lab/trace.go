package lab

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/df65613c/easel/sched"
)

// TracePoint is what a step of a sampler does. Curvature and Error are nil
// where they have no value: at the last step, and down to no noise.
type TracePoint struct {
	Step int     `json:"step"`
	From float64 `json:"from"` // noise level
	To   float64 `json:"to"`
	// Curvature is the angle, in radians, by which the direction of the path turns
	// over the step, for each unit of log sigma.
	Curvature *float64 `json:"curvature"`
	// Error is the local truncation error: how far the step ends from the solution
	// of the ODE that starts where the step did, relative to that, in the L2 norm.
	Error *float64 `json:"error"`
}

// Trace follows a sampler along noise levels and solves the ODE over each step
// by Heun's method in a number of parts of it.
func Trace(ctx context.Context, m Model, s sched.Sampler, sigmas []float64, parts int) ([]TracePoint, error) {
	if parts < 1 {
		return nil, fmt.Errorf("lab: %d parts of a step, want 1 or more", parts)
	}
	if AddsNoise(ctx, s) {
		return nil, addsNoise(s)
	}
	heun, err := sched.SamplerNamed("heun")
	if err != nil {
		return nil, err
	}
	x := start(m, sigmas[0])
	states, slopes := [][]float32{slices.Clone(x)}, [][]float32(nil)
	record := hooked(s, func(r *sched.Run[float32]) {
		r.OnStep = func(i int, x, denoised []float32) error {
			slope := make([]float32, len(x))
			for j, v := range states[i] {
				slope[j] = v - denoised[j]
			}
			states, slopes = append(states, slices.Clone(x)), append(slopes, slope)
			return nil
		}
	})
	draws := 0
	if err := m.Run(ctx, watched(record, &draws), x, sigmas); err != nil {
		return nil, err
	}
	if draws > 0 {
		return nil, addsNoise(s)
	}
	points := make([]TracePoint, len(slopes))
	for i := range points {
		from, to := sigmas[i], sigmas[i+1]
		points[i] = TracePoint{Step: i + 1, From: from, To: to}
		if to == 0 || to == from {
			continue
		}
		if i+1 < len(slopes) {
			points[i].Curvature = new(angle(slopes[i], slopes[i+1]) / math.Log(from/to))
		}
		exact := slices.Clone(states[i])
		if err := m.Run(ctx, plain(heun), exact, between(from, to, parts)); err != nil {
			return nil, err
		}
		points[i].Error = new(distance(states[i+1], exact))
	}
	return points, nil
}

func addsNoise(s sched.Sampler) error {
	return fmt.Errorf("lab: %s adds noise, and a step's error is measured of others only", s.Name)
}

// between divides a step into parts that are equal in log sigma.
func between(from, to float64, parts int) []float64 {
	out := make([]float64, parts+1)
	for i := range out {
		out[i] = from * math.Pow(to/from, float64(i)/float64(parts))
	}
	out[parts] = to
	return out
}

// angle is the angle between two vectors, exact for small ones too.
func angle(a, b []float32) float64 {
	var na, nb float64
	for i, v := range a {
		na += float64(v) * float64(v)
		nb += float64(b[i]) * float64(b[i])
	}
	na, nb = math.Sqrt(na), math.Sqrt(nb)
	var minus, plus float64
	for i, v := range a {
		p, q := float64(v)*nb, float64(b[i])*na
		minus += (p - q) * (p - q)
		plus += (p + q) * (p + q)
	}
	return 2 * math.Atan2(math.Sqrt(minus), math.Sqrt(plus))
}

// TraceTable is a row for each step.
func TraceTable(points []TracePoint) Table {
	t := Table{Columns: []string{"step", "from", "to", "curvature", "error"}}
	for _, p := range points {
		t.Rows = append(t.Rows, []string{strconv.Itoa(p.Step), fmt.Sprintf("%.5g", p.From), fmt.Sprintf("%.5g", p.To),
			optional("%.4g", p.Curvature), optional("%.4g", p.Error)})
	}
	return t
}

// TraceFigure is both against the noise level at which a step begins.
func TraceFigure(points []TracePoint) Figure {
	f := Figure{Title: "along a path", X: "sigma", Y: "curvature, and relative error of a step", LogX: true, LogY: true}
	for _, p := range points {
		if p.Curvature != nil {
			f.Add("curvature", p.From, *p.Curvature)
		}
		if p.Error != nil {
			f.Add("error", p.From, *p.Error)
		}
	}
	return f
}
