// Package attack sends a server of pictures what would hurt it: bodies that are
// out of proportion, prompts and pictures made to cost, connections that stall,
// floods. It measures what each kind costs, and how a good client beside it fares.
package attack

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/df65613c/easel/bench/load"
)

// Plan is what is attacked, and what it may cost.
type Plan struct {
	URL string
	Key string // API key, or ""
	// Good is the local address of the good client, so that the server can tell
	// it from the attacker; "" is the attacker's own.
	Good   string
	Limits Limits
	Stall  time.Duration // how long attackers stall that do
	// Settle, if not nil, is called before each kind: where the server runs in the
	// same program it can collect what the last one left.
	Settle func()
}

// Limits are what a kind of attack may cost. A field of 0 is no limit.
type Limits struct {
	Time   time.Duration // until it is refused or cut; what is accepted has its turn
	Wait   time.Duration // of the good client beside it, beyond twice what it waits alone and a turn of the attacker's
	Memory int64         // bytes that the program grows by
	Answer int64         // bytes of the answer
}

// DefaultLimits are for small pictures of a small model.
var DefaultLimits = Limits{Time: 2 * time.Second, Wait: time.Second, Memory: 200 << 20, Answer: 64 << 10}

// Kind is a way to attack.
type Kind struct {
	Name string
	// LastsLonger says that the attacker itself takes time, by stalling.
	LastsLonger bool
	run         func(context.Context, *attacker) (outcome, error)
	// turn, if not nil, has one of the attacker's jobs done alone, for how long its
	// turn is. Where once is set the attack is a single request, whose time is that.
	turn func(context.Context, *attacker) (outcome, error)
	once bool
}

// outcome is the worst of the answers.
type outcome struct {
	status int // 0 where the connection was cut
	bytes  int64
}

// Result is what a kind cost.
type Result struct {
	Name   string  `json:"name"`
	Status int     `json:"status"`
	Time   float64 `json:"seconds"`
	Answer int64   `json:"answer_bytes"`
	Memory int64   `json:"memory_bytes"`
	// Good is how long the good client waited for its answers meanwhile, in seconds.
	Good    load.Quantile `json:"good_seconds"`
	Turn    float64       `json:"turn_seconds"` // of a job of the attacker's
	Answers int           `json:"good_answers"` // that it got
	Fault   []string      `json:"faults,omitempty"`
}

// attacker is a client that means no good.
type attacker struct {
	*Plan
	client *http.Client
}

const goodRequest = `{"text_prompts":[{"text":"a red circle"}],"steps":1,"cfg_scale":0,"seed":1,"width":64,"height":64}`

// Requests of the good client before any attack: the first pay for what is kept.
const warming, measuring = 3, 20

// Run tries the kinds one after another, and none first. It calls tell, if that is
// not nil, with each result.
func Run(ctx context.Context, p Plan, kinds []Kind, tell func(Result)) ([]Result, error) {
	good := p.newClient(p.Good)
	defer good.CloseIdleConnections()
	var times []float64
	for i := range warming + measuring {
		start := time.Now()
		if err := p.ask(ctx, good); err != nil {
			return nil, fmt.Errorf("a good request, before any attack: %w", err)
		}
		if i >= warming {
			times = append(times, time.Since(start).Seconds())
		}
	}
	alone := load.NewQuantile(times)
	results := []Result{{Name: "none", Status: http.StatusOK, Good: alone, Answers: len(times)}}
	if tell != nil {
		tell(results[0])
	}
	for _, k := range kinds {
		r, err := p.try(ctx, k, good, alone)
		if err != nil {
			return results, fmt.Errorf("%s: %w", k.Name, err)
		}
		results = append(results, r)
		if tell != nil {
			tell(r)
		}
	}
	return results, nil
}

// try runs a kind, with the good client and a watch on memory beside it.
func (p *Plan) try(ctx context.Context, k Kind, good *http.Client, alone load.Quantile) (Result, error) {
	if p.Settle != nil {
		p.Settle()
	}
	a := &attacker{p, p.newClient("")}
	defer a.client.CloseIdleConnections()
	turn, err := k.timeOfTurn(ctx, a)
	if err != nil {
		return Result{}, err
	}
	before, err := p.memory(ctx)
	if err != nil {
		return Result{}, err
	}
	beside, stop := context.WithCancel(ctx)
	defer stop()
	var peak atomic.Int64
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		for beside.Err() == nil {
			if now, err := p.memory(beside); err == nil {
				peak.Store(max(peak.Load(), now))
			}
			pause(beside, 20*time.Millisecond)
		}
	}()
	type served struct {
		waits []float64
		err   error
	}
	waits := make(chan served, 1)
	go func() {
		var s served
		for first := true; s.err == nil && (first || beside.Err() == nil); first = false {
			start := time.Now()
			s.err = p.ask(ctx, good)
			s.waits = append(s.waits, time.Since(start).Seconds())
			pause(beside, 20*time.Millisecond)
		}
		waits <- s
	}()
	start := time.Now()
	o, err := k.run(ctx, a)
	took := time.Since(start)
	if k.once {
		turn = took
	}
	stop()
	s := <-waits
	<-watched
	if err != nil {
		return Result{}, err
	}
	r := Result{Name: k.Name, Status: o.status, Time: took.Seconds(), Answer: o.bytes, Memory: max(0, peak.Load()-before), Good: load.NewQuantile(s.waits), Turn: turn.Seconds(), Answers: len(s.waits)}
	fault := func(is bool, format string, args ...any) {
		if is {
			r.Fault = append(r.Fault, fmt.Sprintf(format, args...))
		}
	}
	l := p.Limits
	fault(s.err != nil, "the good client got %v", s.err)
	fault(o.status >= 500 && o.status != http.StatusServiceUnavailable, "answered %d", o.status)
	fault(l.Time > 0 && !k.LastsLonger && o.status != http.StatusOK && took > l.Time, "took %.2f s, want %v at most", took.Seconds(), l.Time)
	fault(l.Answer > 0 && o.bytes > l.Answer && o.status != http.StatusOK, "answered %d bytes, want %d at most", o.bytes, l.Answer)
	fault(l.Memory > 0 && r.Memory > l.Memory, "took %d MiB, want %d at most", r.Memory>>20, l.Memory>>20)
	fault(l.Wait > 0 && r.Good.Max > 2*alone.Max+r.Turn+l.Wait.Seconds(), "the good client waited %.2f s, alone %.2f and for a turn of %.2f", r.Good.Max, alone.Max, r.Turn)
	return r, nil
}

// timeOfTurn returns how long a turn of the attacker's is, where it has any.
func (k *Kind) timeOfTurn(ctx context.Context, a *attacker) (time.Duration, error) {
	if k.turn == nil {
		return 0, nil
	}
	start := time.Now()
	_, err := k.turn(ctx, a)
	return time.Since(start), err
}

// ask sends a good request.
func (p *Plan) ask(ctx context.Context, c *http.Client) error {
	r, err := p.request(ctx, http.MethodPost, "/predict", strings.NewReader(goodRequest))
	if err != nil {
		return err
	}
	answer, err := c.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		return cmp.Or(err, fmt.Errorf("%s: %.200s", answer.Status, data))
	}
	return nil
}

func (p *Plan) request(ctx context.Context, method, path string, body io.Reader) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, p.URL+path, body)
	if err == nil && p.Key != "" {
		r.Header.Set("Authorization", "Bearer "+p.Key)
	}
	return r, err
}

// memory returns how much of the program is in memory.
func (p *Plan) memory(ctx context.Context) (int64, error) {
	bytes, err := load.Metric(ctx, p.URL, p.Key, "go_memstats_heap_inuse_bytes")
	return int64(bytes), err
}

func (p *Plan) newClient(from string) *http.Client {
	return &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) { return dial(ctx, address, from) },
	}}
}

func dial(ctx context.Context, address, from string) (net.Conn, error) {
	var d net.Dialer
	if from != "" {
		d.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	return d.DialContext(ctx, "tcp", address)
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
