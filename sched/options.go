package sched

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// optionSet says which options of a Run a sampler uses.
type optionSet uint

const (
	takesEta optionSet = 1 << iota
	takesSNoise
	takesChurn
	takesOrder
	takesRestart
)

// options are the fields of a Run that only some samplers use.
func options[T Float]() []option[T] {
	return []option[T]{
		{"Eta", takesEta, func(r *Run[T]) bool { return r.Eta != nil }, func(r *Run[T]) { r.Eta = nil }},
		{"SNoise", takesSNoise, func(r *Run[T]) bool { return r.sNoise() != 1 }, func(r *Run[T]) { r.SNoise = nil }},
		{"Churn", takesChurn, func(r *Run[T]) bool { return r.Churn != Churn{} }, func(r *Run[T]) { r.Churn = Churn{} }},
		{"Order", takesOrder, func(r *Run[T]) bool { return r.Order != 0 }, func(r *Run[T]) { r.Order = 0 }},
		{"Restart", takesRestart, func(r *Run[T]) bool { return r.Restart != nil }, func(r *Run[T]) { r.Restart = nil }},
	}
}

type option[T Float] struct {
	field string
	takes optionSet
	set   func(*Run[T]) bool
	clear func(*Run[T])
}

// OptionError says that an option of a Run is set that its sampler does not use.
type OptionError struct {
	Option  string // the field of Run
	Sampler string
	For     []string // the samplers that use it
}

// Error implements error.
func (e *OptionError) Error() string {
	return fmt.Sprintf("sched: %s is set, and the sampler %s has none; it is for %s", e.Option, e.Sampler, strings.Join(e.For, ", "))
}

// unusedOptions returns an error for options that are set and that the sampler does not use.
func unusedOptions[T Float](name string, takes optionSet, r *Run[T]) error {
	var errs []error
	for _, o := range options[T]() {
		if o.set(r) && takes&o.takes == 0 {
			errs = append(errs, &OptionError{o.field, name, samplersWith(o.takes)})
		}
	}
	return errors.Join(errs...)
}

// samplersWith lists the samplers that use an option.
func samplersWith(o optionSet) (names []string) {
	for _, s := range samplers {
		if s.takes&o != 0 {
			names = append(names, s.name)
		}
	}
	return names
}

// checked is a sampler that refuses options it does not use, and leaves the
// caller's run as it is.
func checked[T Float](name string, takes optionSet, f run[T]) run[T] {
	return func(ctx context.Context, r *Run[T]) error {
		if err := unusedOptions(name, takes, r); err != nil {
			return err
		}
		own := *r
		return f(ctx, &own)
	}
}

// sampler returns a method under a name.
func (m method) sampler(name string) Sampler {
	return Sampler{
		Name: name, F32: checked(name, m.takes, m.f32), F64: checked(name, m.takes, m.f64),
		unused: func(r *Run[float32]) error {
			err := unusedOptions(name, m.takes, r)
			if err == nil && m.takes&takesRestart != 0 {
				err = restartsNothing(r)
			}
			return err
		},
		keep: func(r *Run[float32]) {
			for _, o := range options[float32]() {
				if m.takes&o.takes == 0 {
					o.clear(r)
				}
			}
		},
	}
}
