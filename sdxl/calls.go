package sdxl

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/df65613c/easel/sched"
)

// checkCalls returns an error for a run that calls the UNet more often than it may.
func (r *resolved) checkCalls(ctx context.Context, m *Model, s *sched.Schedule) error {
	if r.MostCalls <= 0 {
		return nil
	}
	told, err := r.script(m, len(s.Timesteps))
	if err != nil {
		return err
	}
	each := r.callsOfStep(told)
	run := sched.NewRun[float32](s, nil, r.batch)
	r.Noising.tell(run)
	calls, err := s.Sampler.Calls(ctx, run, r.MostCalls/each)
	if err == nil && calls*each > r.MostCalls {
		return r.tooManyCalls()
	}
	return optionFault(err)
}

// checkSampler returns an error for options that the schedule's sampler does not use.
func (r *resolved) checkSampler(s *sched.Schedule) error {
	run := sched.NewRun[float32](s, nil, r.batch)
	r.Noising.tell(run)
	return optionFault(s.Sampler.Check(run))
}

// optionFault is an error of a sampler or its noise levels as one about the
// fields of the options that it comes from.
func optionFault(err error) error {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	fields := map[string]string{"Eta": "eta", "SNoise": "s_noise", "Churn": "s_churn", "Order": "order", "Restart": "restart"}
	var faults FieldErrors
	for _, err := range all {
		var unused *sched.OptionError
		if errors.As(err, &unused) {
			faults.add(fields[unused.Option], "is given, and the sampler %s has none; it is for %s", unused.Sampler,
				strings.Join(unused.For, ", "))
		} else {
			faults.add("sampler", "and its noise levels: %s", strings.TrimPrefix(err.Error(), "sched: "))
		}
	}
	return faults
}

// callsOfStep returns how often the UNet is run where the sampler calls it once:
// for each side, and for guidance by networks of its own.
func (r *resolved) callsOfStep(s *script) int {
	n := s.sides()
	if r.PAG.on() {
		n++
	}
	if r.SAG != 0 {
		n++
	}
	return n
}

func (r *resolved) tooManyCalls() error {
	return &FieldError{"steps",
		fmt.Sprintf("and sampler, restart, guidance and clauses of the prompt make over %d runs of the network, want no more",
			r.MostCalls)}
}
