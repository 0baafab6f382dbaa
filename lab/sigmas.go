package lab

import (
	"fmt"
	"strconv"

	"github.com/df65613c/easel/sched"
)

// Levels are the noise levels of a schedule.
type Levels struct {
	Schedule  string    `json:"schedule"`
	Sigmas    []float64 `json:"sigmas"`
	Timesteps []float64 `json:"timesteps"`
}

// Sigmas lists the noise levels of schedules for a model, by what overrides say
// of the rest.
func Sigmas(c sched.Config, o sched.Overrides, schedules []string, steps int) ([]Levels, error) {
	var all []Levels
	for _, o.Schedule = range schedules {
		s, err := c.New(o, steps)
		if err != nil {
			return nil, err
		}
		all = append(all, Levels{o.Schedule, s.Sigmas, s.Timesteps})
	}
	return all, nil
}

// SigmasTable is a row for each level, with a column for each schedule.
func SigmasTable(all []Levels) Table {
	t := Table{Columns: []string{"level"}}
	for _, l := range all {
		t.Columns = append(t.Columns, l.Schedule)
		for len(t.Rows) < len(l.Sigmas) {
			t.Rows = append(t.Rows, []string{strconv.Itoa(len(t.Rows))})
		}
	}
	for i := range t.Rows {
		for _, l := range all {
			cell := ""
			if i < len(l.Sigmas) {
				cell = fmt.Sprintf("%.7g", l.Sigmas[i])
			}
			t.Rows[i] = append(t.Rows[i], cell)
		}
	}
	return t
}

// SigmasFigure is the noise levels above 0 by step.
func SigmasFigure(all []Levels) Figure {
	f := Figure{Title: "noise levels", X: "step", Y: "sigma", LogY: true}
	for _, l := range all {
		for i, s := range l.Sigmas {
			f.Add(l.Schedule, float64(i), s)
		}
	}
	return f
}
