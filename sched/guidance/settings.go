package guidance

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The methods of guidance.
const (
	MethodCFG   = "cfg"
	MethodCFGPP = "cfg++"
	MethodAPG   = "apg"
)

// The schedules of the guidance scale.
const (
	Constant = "constant"
	Linear   = "linear"
	Cosine   = "cosine"
)

// Methods lists the methods of guidance.
func Methods() []string { return []string{MethodCFG, MethodCFGPP, MethodAPG} }

// Schedules lists the schedules of the guidance scale.
func Schedules() []string { return []string{Constant, Linear, Cosine} }

// Settings say how the two sides become one. The zero value is classifier-free
// guidance and nothing else.
type Settings struct {
	// Method is cfg (Ho and Salimans 2022), cfg++ (Chung et al. 2024), whose scale
	// is 0 to 1, or apg (Sadat et al. 2024); "" is cfg.
	Method string `json:"method,omitempty"`
	APG    *APG   `json:"apg,omitempty"` // nil is DefaultAPG
	// Rescale, 0 to 1, is phi of the function Rescale.
	Rescale float64 `json:"rescale,omitempty"`
	// Schedule is how the scale changes over the steps: constant, or linear or
	// cosine (Wang et al. 2024), which rise from 1 and have the given scale as
	// their mean. "" is constant.
	Schedule string `json:"schedule,omitempty"`
	// Scales, if any, replace the one scale and Schedule: one for each step, or
	// fewer, which are interpolated linearly from the first step to the last.
	Scales []float64 `json:"scales,omitempty"`
	// Interval is two shares of the steps, 0 to 1; there is guidance only between
	// them.
	Interval []float64 `json:"interval,omitempty"`
	// Sigmas is two noise levels; there is guidance only between them, the higher
	// one included (Kynkäänniemi et al. 2024).
	Sigmas []float64 `json:"sigmas,omitempty"`
	// Threshold, 0 to 1, is the percentile of the function Threshold, or of the
	// function Mimic if a scale for it is given: Mimic. 0 is none, or 1 for
	// Mimic.
	Threshold float64 `json:"threshold,omitempty"`
	Mimic     float64 `json:"mimic,omitempty"`
}

// IsZero reports whether s is plain classifier-free guidance.
func (s Settings) IsZero() bool {
	return s.Method == "" && s.APG == nil && s.Rescale == 0 && s.Schedule == "" && s.Scales == nil && s.Interval == nil &&
		s.Sigmas == nil && s.Threshold == 0 && s.Mimic == 0
}

// DefaultScale is the scale to take where none is given.
func (s Settings) DefaultScale(cfg float64) float64 {
	if s.Method == MethodCFGPP {
		return 0.6
	}
	return cfg
}

// Guided reports whether a run with a scale needs the negative side at all.
func (s Settings) Guided(scale float64) bool {
	if len(s.Scales) > 0 {
		return slices.Max(s.Scales) > 1
	}
	return scale > 1 || s.Method == MethodCFGPP
}

// Validate names every fault of the settings with a scale.
func (s Settings) Validate(scale float64) error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	name := func(field, value string, names []string) {
		want(value == "" || slices.Contains(names, value), "%s is %q, want %s", field, value, strings.Join(names, ", "))
	}
	name("guidance", s.Method, Methods())
	name("cfg schedule", s.Schedule, Schedules())
	want(s.Method != MethodCFGPP || scale >= 0 && scale <= 1, "cfg is %g, want 0 to 1 for cfg++", scale)
	want(s.Method != MethodCFGPP || s.Scales == nil && s.Schedule == "",
		"cfg schedule is given, want none for cfg++, which has its own")
	want(s.Scales == nil || s.Schedule == "", "cfg schedule is both a name and numbers, want one")
	want(s.APG == nil || s.Method == MethodAPG, "apg is given, want that only where guidance is apg")
	if a := s.APG; a != nil {
		want(finite(a.Eta), "apg eta is %g, want a number", a.Eta)
		want(finite(a.Norm) && a.Norm >= 0, "apg norm is %g, want 0 or more", a.Norm)
		want(a.Momentum > -1 && a.Momentum < 1, "apg momentum is %g, want between -1 and 1", a.Momentum)
	}
	share := func(field string, v float64) { want(v >= 0 && v <= 1, "%s is %g, want 0 to 1", field, v) }
	share("cfg rescale", s.Rescale)
	share("threshold", s.Threshold)
	want(finite(s.Mimic) && s.Mimic >= 0, "mimic is %g, want 0 or more", s.Mimic)
	for _, v := range s.Scales {
		want(finite(v), "cfg schedule has %g, want numbers", v)
	}
	pair := func(field string, v []float64, most float64, format string) {
		want(v == nil || len(v) == 2 && v[0] >= 0 && v[0] < v[1] && v[1] <= most, "%s is %v, want "+format, field, v)
	}
	pair("cfg interval", s.Interval, 1, "two rising shares of the steps, 0 to 1")
	pair("cfg sigmas", s.Sigmas, math.MaxFloat64, "two rising noise levels")
	return errors.Join(errs...)
}

func finite(v float64) bool { return v-v == 0 }
