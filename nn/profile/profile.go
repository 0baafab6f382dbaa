// Package profile takes down how long the operations of a network took.
package profile

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
	"time"
)

// Profile takes down how long each pass of each operation took. It may be
// shared by backends.
type Profile struct {
	mu     sync.Mutex
	start  time.Time
	events []event
}

type event struct {
	op, weight string
	at, took   time.Duration
}

// Add notes a pass of an operation with a weight, or "", and when it began.
func (p *Profile) Add(op, weight string, from time.Time, took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.start.IsZero() {
		p.start = from
	}
	p.events = append(p.events, event{op, weight, from.Sub(p.start), took})
}

// WriteTable prints the time by kind of operation, the longest first.
func (p *Profile) WriteTable(w io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	type sum struct {
		op    string
		calls int
		took  time.Duration
	}
	sums, total := map[string]*sum{}, time.Duration(0)
	for _, e := range p.events {
		if sums[e.op] == nil {
			sums[e.op] = &sum{op: e.op}
		}
		sums[e.op].calls++
		sums[e.op].took += e.took
		total += e.took
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "operation\tpasses\tseconds\tshare\t")
	order := slices.SortedFunc(maps.Values(sums),
		func(a, b *sum) int { return cmp.Or(cmp.Compare(b.took, a.took), cmp.Compare(a.op, b.op)) })
	for _, s := range order {
		fmt.Fprintf(t, "%s\t%d\t%.3f\t%.1f %%\t\n", s.op, s.calls, s.took.Seconds(), 100*s.took.Seconds()/total.Seconds())
	}
	return t.Flush()
}

// WriteTrace writes the passes in the Trace Event Format, which Chrome's
// tracing page and Perfetto show.
func (p *Profile) WriteTrace(w io.Writer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	type traceEvent struct {
		Name  string            `json:"name"`
		Phase string            `json:"ph"`
		At    float64           `json:"ts"` // microseconds
		Took  float64           `json:"dur"`
		PID   int               `json:"pid"`
		TID   int               `json:"tid"`
		Args  map[string]string `json:"args,omitempty"`
	}
	micros := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
	events := make([]traceEvent, len(p.events))
	for i, e := range p.events {
		events[i] = traceEvent{Name: e.op, Phase: "X", At: micros(e.at), Took: micros(e.took)}
		if e.weight != "" {
			events[i].Args = map[string]string{"weight": e.weight}
		}
	}
	return json.NewEncoder(w).Encode(map[string]any{"traceEvents": events})
}
