package cuda

import (
	"errors"
	"time"
	"unsafe"

	"github.com/df65613c/easel/gpu/cuda/cu"
	"github.com/df65613c/easel/gpu/internal/run"
)

// list is recorded commands: a graph, or commands that are launched one by one, between
// events, if their time is taken.
type list struct {
	graph  uintptr // a CUgraphExec
	cmds   []run.Command
	stamps []uintptr // events before and after each dispatch
}

// Record captures commands as a graph, in order: each of them is a barrier to the next.
func (d *driver) Record(cmds []run.Command, timed bool) (_ run.Recorded, err error) {
	l := new(list)
	defer func() {
		if err != nil {
			d.Release(l)
		}
	}()
	for _, c := range cmds { // what compiles can't be captured
		if c.Dispatch == nil {
			continue
		}
		if _, err := d.program(d.shape(c.Dispatch)); err != nil {
			return nil, err
		}
	}
	if timed {
		return l, d.do(func() error { return d.recordTimed(l, cmds) })
	}
	return l, d.do(func() error {
		const threadLocal = 1
		if err := fault("cuStreamBeginCapture", cu.Call(d.f.StreamBeginCapture, d.stream, threadLocal)); err != nil {
			return err
		}
		var graph uintptr
		err := d.play(cmds, nil)
		r := cu.Call(d.f.StreamEndCapture, d.stream, uintptr(unsafe.Pointer(&graph)))
		if graph != 0 {
			defer cu.Call(d.f.GraphDestroy, graph)
		}
		if err := errors.Join(err, fault("cuStreamEndCapture", r)); err != nil {
			return err
		}
		return fault("cuGraphInstantiate", cu.Call(d.f.GraphInstantiate, uintptr(unsafe.Pointer(&l.graph)), graph, 0, 0, 0))
	})
}

func (d *driver) recordTimed(l *list, cmds []run.Command) error {
	l.cmds = cmds
	for _, c := range cmds {
		if c.Dispatch == nil {
			continue
		}
		for range 2 {
			var e uintptr
			if err := fault("cuEventCreate", cu.Call(d.f.EventCreate, uintptr(unsafe.Pointer(&e)), 0)); err != nil {
				return err
			}
			l.stamps = append(l.stamps, e)
		}
	}
	return nil
}

// play puts commands on the stream, with events before and after each dispatch if there
// are some.
func (d *driver) play(cmds []run.Command, stamps []uintptr) error {
	stamp := func() error {
		if len(stamps) == 0 {
			return nil
		}
		e := stamps[0]
		stamps = stamps[1:]
		return fault("cuEventRecord", cu.Call(d.f.EventRecord, e, d.stream))
	}
	for _, c := range cmds {
		switch {
		case c.Dispatch != nil:
			if err := stamp(); err != nil {
				return err
			}
			if err := d.launch(c.Dispatch); err != nil {
				return err
			}
			if err := stamp(); err != nil {
				return err
			}
		case c.From.Buffer != nil && c.From.Size > 0:
			from, to := c.From.Buffer.(*buffer).address+uint64(c.From.Offset), c.To.Buffer.(*buffer).address+uint64(c.To.Offset)
			if err := fault("cuMemcpyAsync",
				cu.Call(d.f.MemcpyAsync, uintptr(to), uintptr(from), uintptr(c.From.Size), d.stream)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *driver) Release(r run.Recorded) {
	l := r.(*list)
	_ = d.do(func() error {
		if l.graph != 0 {
			cu.Call(d.f.GraphExecDestroy, l.graph)
		}
		for _, e := range l.stamps {
			cu.Call(d.f.EventDestroy, e)
		}
		return nil
	})
	*l = list{}
}

func (d *driver) Submit(r run.Recorded) (run.Ticket, error) {
	l := r.(*list)
	var t run.Ticket
	err := d.do(func() error {
		event, err := d.event()
		if err != nil {
			return err
		}
		if l.graph != 0 {
			err = fault("cuGraphLaunch", cu.Call(d.f.GraphLaunch, l.graph, d.stream))
		} else {
			err = d.play(l.cmds, l.stamps)
		}
		if err == nil {
			err = fault("cuEventRecord", cu.Call(d.f.EventRecord, event, d.stream))
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		if err != nil {
			d.spare = append(d.spare, event)
			return err
		}
		d.ticket++
		t = d.ticket
		d.events[t] = event
		return nil
	})
	return t, err
}

// event returns one that is not in use.
func (d *driver) event() (e uintptr, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n := len(d.spare); n > 0 {
		e, d.spare = d.spare[n-1], d.spare[:n-1]
		return e, nil
	}
	const disableTiming = 2
	return e, fault("cuEventCreate", cu.Call(d.f.EventCreate, uintptr(unsafe.Pointer(&e)), disableTiming))
}

// pause is how long Wait sleeps before it asks again.
const pause = 50 * time.Microsecond

func (d *driver) Wait(t run.Ticket, most time.Duration) (bool, error) {
	for until := time.Now().Add(most); ; time.Sleep(pause) {
		if done, err := d.ended(t); done || err != nil {
			return done, err
		}
		if time.Now().After(until) {
			return false, nil
		}
	}
}

// ended reports whether a submission, and with it all before, is done.
func (d *driver) ended(t run.Ticket) (done bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t <= d.done {
		return true, nil
	}
	err = d.do(func() error {
		switch r := cu.Call(d.f.EventQuery, d.events[t]); r {
		case cu.NotReady:
			return nil
		case cu.Success:
			done = true
			return nil
		default:
			err := fault("cuEventQuery", r)
			if !errors.Is(err, run.ErrLost) { // nothing else can be done about it
				err = errors.Join(run.ErrLost, err)
			}
			return err
		}
	})
	if done {
		for ; d.done < t; d.done++ {
			d.spare = append(d.spare, d.events[d.done+1])
			delete(d.events, d.done+1)
		}
	}
	return done, err
}

func (d *driver) Times(r run.Recorded) ([]time.Duration, error) {
	l := r.(*list)
	times := make([]time.Duration, len(l.stamps)/2)
	return times, d.do(func() error {
		for i := range times {
			var ms float32
			if err := fault("cuEventElapsedTime",
				cu.Call(d.f.EventElapsed, uintptr(unsafe.Pointer(&ms)), l.stamps[2*i], l.stamps[2*i+1])); err != nil {
				return err
			}
			times[i] = time.Duration(float64(ms) * 1e6)
		}
		return nil
	})
}
