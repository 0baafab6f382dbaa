package run

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/pass"
)

// segment is passes that are submitted together.
type segment struct {
	recorded    Recorded
	passes      []pass.Pass
	first, last string // of its passes, for errors
}

const (
	segmentTime   = 20 * time.Millisecond // that a segment should take
	segmentPasses = 200
	inFlight      = 2 // segments
)

// estimate returns how long a pass takes, roughly.
func (l *Limits) estimate(p *pass.Pass) time.Duration {
	bytes := 0.0
	for _, a := range p.Args {
		bytes += float64(a.Size)
	}
	return time.Duration(1e9 * (p.FLOPs/l.Rate + bytes/l.Bytes))
}

// segment records the passes of a stage in parts of about equal time: a run that is
// cancelled ends with the parts that are submitted.
func (e *executable) segment(s *stage, passes []pass.Pass, weights []*weight) error {
	b := e.backend
	for len(passes) > 0 {
		n, took := 0, time.Duration(0)
		for n < len(passes) && n < segmentPasses && (n == 0 || took < segmentTime) {
			took += b.limits.estimate(&passes[n])
			n++
		}
		g := segment{passes: passes[:n], first: label(&passes[0]), last: label(&passes[n-1])}
		cmds := e.commands(g.passes, weights)
		err := b.locked(func() (err error) {
			g.recorded, err = b.driver.Record(cmds, b.profile != nil)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s to %s: %w", g.first, g.last, err)
		}
		s.segments = append(s.segments, g)
		passes = passes[n:]
	}
	return nil
}

func label(p *pass.Pass) string {
	if p.Weight == "" {
		return p.Op
	}
	return p.Op + " " + p.Weight
}

// commands turns passes into dispatches, with a barrier before each that reads or
// writes what one since the last barrier wrote, or writes what one read.
func (e *executable) commands(passes []pass.Pass, weights []*weight) []Command {
	cmds := []Command{{Barrier: true}}
	var busy []access
	for i := range passes {
		p := &passes[i]
		d := &Dispatch{Variant: p.Variant, Groups: p.Groups}
		var offsets []uint32
		var touched []access
		for _, a := range p.Args {
			r := Range{e.slab, a.Offset, a.Size}
			if a.Param >= 0 {
				w := weights[a.Param]
				r = Range{w.buffer(), w.offset + a.Offset, a.Size}
			}
			if a.Size == 0 { // not used, but something must be bound
				r = Range{e.slab, e.passes.Blank, pass.Align}
			}
			skip := r.Offset % pass.Align
			r.Offset -= skip
			r.Size += skip
			element := int64(4)
			if a.Format == kernel.F16 {
				element = 2
			}
			offsets = append(offsets, uint32(skip/element))
			d.Bindings = append(d.Bindings, r)
			if a.Param < 0 && a.Size > 0 {
				touched = append(touched, access{r.Offset, r.Offset + r.Size, a.Write})
			}
		}
		barrier := false
		for _, a := range touched {
			barrier = barrier || slices.ContainsFunc(busy, a.conflicts)
		}
		if barrier {
			busy = busy[:0]
		}
		busy = append(busy, touched...)
		d.Params = append(append(offsets, uint32(p.Groups)), p.Params...)
		cmds = append(cmds, Command{Barrier: barrier, Dispatch: d})
	}
	return cmds
}

// access is a range of the slab that a pass binds.
type access struct {
	from, to int64
	write    bool
}

// conflicts reports whether two passes can't run at the same time.
func (a access) conflicts(b access) bool {
	return (a.write || b.write) && a.from < b.to && b.from < a.to
}

// flight is the submissions of a run that are not done.
type flight struct {
	backend *Backend
	under   []submission
}

type submission struct {
	segment
	ticket Ticket
	at     time.Time
}

// submit starts a segment once few enough are under way, unless the run is cancelled.
func (f *flight) submit(ctx context.Context, g segment) error {
	for len(f.under) >= inFlight {
		if err := f.next(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	var t Ticket
	err := f.backend.locked(func() (err error) { t, err = f.backend.driver.Submit(g.recorded); return err })
	if err != nil {
		return g.name(err)
	}
	f.under = append(f.under, submission{g, t, time.Now()})
	return nil
}

// name says of an error which passes it was met in.
func (g *segment) name(err error) error {
	if g.first == "" {
		return err
	}
	return fmt.Errorf("%s to %s: %w", g.first, g.last, err)
}

// next waits for the first submission.
func (f *flight) next() error {
	s := f.under[0]
	f.under = f.under[1:]
	b := f.backend
	if err := b.wait(s.ticket); err != nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.note(s.name(err))
	}
	if b.profile == nil || s.passes == nil {
		return nil
	}
	var times []time.Duration
	err := b.locked(func() (err error) { times, err = b.driver.Times(s.recorded); return err })
	if err != nil {
		return err
	}
	at := s.at
	for i, took := range times {
		b.profile.Add(s.passes[i].Op, s.passes[i].Weight, at, took)
		at = at.Add(took)
	}
	return nil
}

// land waits for all submissions.
func (f *flight) land() error {
	var errs []error
	for len(f.under) > 0 {
		errs = append(errs, f.next())
	}
	return errors.Join(errs...)
}
