// Package load measures a server of pictures, which easel serve is, under many
// clients at once.
package load

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/df65613c/easel/sdxl/request"
)

// Plan is what the clients do.
type Plan struct {
	URL           string
	Key           string // API key, or ""
	Clients       int    // at once
	Requests      int    // of each client
	Steps         int
	Width, Height int
	// Patience bounds how long a client waits where the queue is full, whatever
	// the Retry-After of the answer is.
	Patience time.Duration
}

// Result is what they saw. Times are in seconds.
type Result struct {
	Answered int      `json:"answered"`
	Full     int      `json:"full"`   // answers 429, after each of which the client asked again
	Wrong    []string `json:"wrong"`  // answers that were lost, another's, or made of another request
	Made     int      `json:"made"`   // pictures that the server says it made meanwhile
	Wall     float64  `json:"wall"`   // from the first request to the last answer
	Answer   Quantile `json:"answer"` // from the request that was accepted to its answer
	Total    Quantile `json:"total"`  // from a client's first try to its answer
	Refusal  Quantile `json:"refusal"`
}

// Quantile summarises times.
type Quantile struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// NewQuantile summarises times, which it sorts.
func NewQuantile(times []float64) Quantile {
	if len(times) == 0 {
		return Quantile{}
	}
	slices.Sort(times)
	at := func(q float64) float64 { return times[int(q*float64(len(times)-1)+0.5)] }
	return Quantile{at(0.5), at(0.99), times[len(times)-1]}
}

// Run lets the clients ask. Each request has a seed and a prompt of its own,
// which the answer and the parameters in its picture must have.
func Run(ctx context.Context, p Plan) (*Result, error) {
	before, err := p.metric(ctx, "easel_pictures_total")
	if err != nil {
		return nil, err
	}
	r := new(Result)
	var mu sync.Mutex
	var answer, total, refusal []float64
	start := time.Now()
	var wg sync.WaitGroup
	for c := range p.Clients {
		wg.Go(func() {
			for i := range p.Requests {
				first := time.Now()
				for ctx.Err() == nil {
					asked := time.Now()
					again, err := p.ask(ctx, c*p.Requests+i+1)
					took := time.Since(asked).Seconds()
					mu.Lock()
					switch {
					case err != nil:
						r.Wrong = append(r.Wrong, fmt.Sprintf("client %d, request %d: %v", c, i, err))
					case again > 0:
						r.Full++
						refusal = append(refusal, took)
					default:
						r.Answered++
						answer, total = append(answer, took), append(total, time.Since(first).Seconds())
					}
					mu.Unlock()
					if again == 0 {
						break
					}
					select {
					case <-time.After(min(again, p.Patience)):
					case <-ctx.Done():
					}
				}
			}
		})
	}
	wg.Wait()
	r.Wall = time.Since(start).Seconds()
	r.Answer, r.Total, r.Refusal = NewQuantile(answer), NewQuantile(total), NewQuantile(refusal)
	after, err := p.metric(ctx, "easel_pictures_total")
	r.Made = int(after - before)
	return r, cmp.Or(ctx.Err(), err)
}

// ask sends a request. again is when to try once more, where the queue is full.
func (p *Plan) ask(ctx context.Context, seed int) (again time.Duration, err error) {
	prompt := fmt.Sprintf("picture %d", seed)
	r, err := p.request(ctx, "application/json", request.Request{
		TextPrompts: []request.TextPrompt{{Text: prompt}}, Steps: &p.Steps, Width: &p.Width, Height: &p.Height, Seed: new(int64(seed)),
	})
	if err != nil {
		return 0, err
	}
	answer, body, err := do(r)
	if err != nil {
		return 0, err
	}
	switch answer.StatusCode {
	case http.StatusOK:
		return 0, check(body, prompt, int64(seed))
	case http.StatusTooManyRequests:
		seconds, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		if err != nil || seconds < 1 {
			return 0, fmt.Errorf("Retry-After is %q", answer.Header.Get("Retry-After"))
		}
		return time.Duration(seconds) * time.Second, nil
	}
	return 0, fmt.Errorf("%s: %s", answer.Status, body)
}

func (p *Plan) request(ctx context.Context, accept string, request request.Request) (*http.Request, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, p.URL+"/predict", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	authorize(r, p.Key)
	return r, nil
}

// check returns an error if an answer is not that of a request.
func check(body []byte, prompt string, seed int64) error {
	var r request.Response
	if err := json.Unmarshal(body, &r); err != nil {
		return err
	}
	if len(r.Artifacts) != 1 || r.Artifacts[0].Seed != seed {
		return fmt.Errorf("answer to another request than that of seed %d", seed)
	}
	parameters, err := request.DecodeParameters(bytes.NewReader(r.Artifacts[0].PNG))
	if err != nil {
		return err
	}
	if parameters.Seed == nil || *parameters.Seed != seed || parameters.Prompt != prompt {
		return fmt.Errorf("picture of seed %d and %q, want %d and %q", parameters.Seed, parameters.Prompt, seed, prompt)
	}
	return nil
}
