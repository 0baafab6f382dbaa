package lab

import (
	"context"
	"errors"
	"fmt"
	"image"
	"strconv"
	"time"

	"github.com/df65613c/easel/sched"
)

// DefaultReference is the number of steps that stand for the exact solution.
const DefaultReference = 1000

// Grid is what Compare tries: every sampler on every schedule in every number of steps.
type Grid struct {
	Samplers  []sched.Sampler
	Schedules []string
	Steps     []int
	// Calls says that Steps are calls of the denoiser: each sampler takes as many
	// steps as stay within them.
	Calls     bool
	Reference int // steps; 0 is DefaultReference
}

// Trial is one run of a sampler. Distances are to the solution of the ODE from
// the same start, and nil of samplers that add noise.
type Trial struct {
	Sampler  string       `json:"sampler"`
	Schedule string       `json:"schedule"`
	Steps    int          `json:"steps"`
	Calls    int          `json:"calls"`
	Seconds  float64      `json:"seconds"`
	Latents  *float64     `json:"latents"` // relative, in the L2 norm
	Pixels   *float64     `json:"pixels"`  // root mean square, in levels of 255
	Image    *image.NRGBA `json:"-"`
}

func (t Trial) String() string { return fmt.Sprintf("%s %s %d", t.Sampler, t.Schedule, t.Steps) }

// Compare runs a grid on a model. The progress function, if not nil, is called
// before each run, and first for the reference.
func Compare(ctx context.Context, m Model, g Grid, progress func(what string)) ([]Trial, error) {
	if len(g.Samplers) == 0 || len(g.Schedules) == 0 || len(g.Steps) == 0 {
		return nil, errors.New("lab: nothing to compare, want a sampler, a schedule and a number of steps at least")
	}
	if g.Reference == 0 {
		g.Reference = DefaultReference
	}
	if progress == nil {
		progress = func(string) {}
	}
	refs := references{m: m, steps: g.Reference, progress: progress}
	var trials []Trial
	for _, s := range g.Samplers {
		for _, schedule := range g.Schedules {
			for _, n := range g.Steps {
				sigmas, err := g.sigmas(ctx, m, s, schedule, n)
				if err != nil {
					return nil, err
				}
				t := Trial{Sampler: s.Name, Schedule: schedule, Steps: len(sigmas) - 1}
				progress(t.String())
				if err := t.run(ctx, m, s, sigmas, &refs); err != nil {
					return nil, fmt.Errorf("lab: %v: %w", t, err)
				}
				trials = append(trials, t)
			}
		}
	}
	return trials, nil
}

// sigmas returns the noise levels of a number of steps, or of calls.
func (g *Grid) sigmas(ctx context.Context, m Model, s sched.Sampler, schedule string, n int) ([]float64, error) {
	for steps := n; ; steps-- {
		sigmas, err := m.Sigmas(schedule, steps)
		if err != nil || !g.Calls {
			return sigmas, err
		}
		calls, err := callsOf(ctx, s, sigmas)
		if err != nil {
			return nil, err
		}
		if calls <= n {
			return sigmas, nil
		}
		if steps == 1 {
			return nil, fmt.Errorf("lab: %s takes %d calls for one step, more than %d", s.Name, calls, n)
		}
	}
}

func (t *Trial) run(ctx context.Context, m Model, s sched.Sampler, sigmas []float64, refs *references) error {
	x := start(m, sigmas[0])
	from, draws := time.Now(), 0
	err := m.Run(ctx, watched(counted(s, &t.Calls), &draws), x, sigmas)
	t.Seconds = time.Since(from).Seconds()
	if err != nil {
		return err
	}
	if t.Image, err = m.Decode(ctx, x); err != nil || draws > 0 || AddsNoise(ctx, s) {
		return err
	}
	ref, err := refs.from(ctx, sigmas[0])
	if err != nil {
		return fmt.Errorf("the reference: %w", err)
	}
	t.Latents, t.Pixels = new(distance(x, ref.x)), new(levels(t.Image, ref.img))
	return nil
}

// CompareTable is a row for each trial.
func CompareTable(trials []Trial) Table {
	t := Table{Columns: []string{"sampler", "schedule", "steps", "calls", "seconds", "latents", "pixels"}}
	for _, r := range trials {
		t.Rows = append(t.Rows, []string{r.Sampler, r.Schedule, strconv.Itoa(r.Steps), strconv.Itoa(r.Calls),
			fmt.Sprintf("%.3f", r.Seconds), optional("%.4g", r.Latents), optional("%.3g", r.Pixels)})
	}
	return t
}

// CompareFigure is the distance of the latents against the calls of the
// denoiser, a line for each sampler and schedule.
func CompareFigure(trials []Trial) Figure {
	f := Figure{Title: "distance to the solution", X: "calls of the denoiser", Y: "latents, relative", LogX: true, LogY: true}
	for _, t := range trials {
		if t.Latents != nil {
			f.Add(t.Sampler+" "+t.Schedule, float64(t.Calls), *t.Latents)
		}
	}
	return f
}
