package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// SoakPlan is a long run of requests of all kinds: pictures in each of the
// forms of answers, embeddings, lists, malformed ones, and such whose client
// leaves in the middle.
type SoakPlan struct {
	Plan          // but for Requests, which count here in all
	Rounds int    // after each of which the server rests and is looked at
	Settle func() // before it is looked at; nil is nothing
	Tell   func(Sample)
}

// Sample is what the server held when it had answered a number of requests.
type Sample struct {
	Requests    int     `json:"requests"`
	Seconds     float64 `json:"seconds"`
	Heap        float64 `json:"heap_bytes"`
	Resident    float64 `json:"resident_bytes"`
	Goroutines  float64 `json:"goroutines"`
	Descriptors float64 `json:"descriptors"`
}

// SoakResult is all samples, and the answers that were not what they should be.
type SoakResult struct {
	Samples []Sample `json:"samples"`
	Wrong   []string `json:"wrong"`
}

// Soak sends p.Requests requests in rounds.
func Soak(ctx context.Context, p SoakPlan) (*SoakResult, error) {
	r, start := new(SoakResult), time.Now()
	each := max(1, p.Requests/p.Rounds)
	for done := 0; done < p.Requests && ctx.Err() == nil; done += each {
		wrong, err := p.round(ctx, done, min(each, p.Requests-done))
		if err != nil {
			return r, err
		}
		r.Wrong = append(r.Wrong, wrong...)
		s, err := p.sample(ctx)
		if err != nil {
			return r, err
		}
		s.Requests, s.Seconds = min(done+each, p.Requests), time.Since(start).Seconds()
		r.Samples = append(r.Samples, s)
		if p.Tell != nil {
			p.Tell(s)
		}
	}
	return r, ctx.Err()
}

// round sends some requests with all clients at once, and waits until the server rests.
func (p *SoakPlan) round(ctx context.Context, first, n int) (wrong []string, err error) {
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range p.Clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := p.one(ctx, first+i); err != nil && ctx.Err() == nil {
					mu.Lock()
					wrong = append(wrong, fmt.Sprintf("request %d: %v", first+i, err))
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	for {
		running, err := p.metric(ctx, "easel_jobs_running")
		if err != nil || running == 0 {
			return wrong, err
		}
		time.Sleep(time.Millisecond)
	}
}

func (p *SoakPlan) sample(ctx context.Context) (s Sample, err error) {
	http.DefaultClient.CloseIdleConnections()
	if p.Settle != nil {
		p.Settle()
	}
	// Only Linux tells of the process; elsewhere these stay 0.
	s.Resident, _ = p.metric(ctx, "process_resident_memory_bytes")
	s.Descriptors, _ = p.metric(ctx, "process_open_fds")
	if s.Heap, err = p.metric(ctx, "go_memstats_heap_inuse_bytes"); err != nil {
		return s, err
	}
	s.Goroutines, err = p.metric(ctx, "go_goroutines")
	return s, err
}

// one sends request i, whose kind is drawn from its number.
func (p *SoakPlan) one(ctx context.Context, i int) error {
	rng := rand.New(rand.NewPCG(uint64(i), 1))
	switch kind := rng.IntN(100); {
	case kind < 35:
		return p.picture(ctx, i)
	case kind < 45:
		return p.expect(ctx, http.MethodPost, "/predict?preview=1", "application/json", p.body(i), http.StatusOK,
			"Accept", "text/event-stream")
	case kind < 55:
		return p.expect(ctx, http.MethodPost, "/predict", "application/json", p.body(i), http.StatusOK, "Accept", "image/png")
	case kind < 65:
		return p.expect(ctx, http.MethodPost, "/v1/embeddings", "application/json",
			[]byte(`{"input":["a red circle","a star"]}`), http.StatusOK)
	case kind < 70:
		body, contentType := form(i)
		return p.expect(ctx, http.MethodPost, "/predict", contentType, body, http.StatusOK)
	case kind < 80:
		whole := p.body(i)
		return p.expect(ctx, http.MethodPost, "/predict", "application/json", whole[:rng.IntN(len(whole))], http.StatusBadRequest)
	case kind < 85:
		return p.expect(ctx, http.MethodPost, "/predict", "application/json",
			[]byte(`{"text_prompts":[{"text":"x"}],"stepz":1,"width":65}`), http.StatusBadRequest)
	case kind < 93:
		soon, cancel := context.WithTimeout(ctx, time.Duration(rng.IntN(30))*time.Millisecond)
		defer cancel()
		err := p.picture(soon, i)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		return err
	}
	path := []string{"/v1/models", "/v1/styles/list", "/ping", "/metrics", "/"}[rng.IntN(5)]
	return p.expect(ctx, http.MethodGet, path, "", nil, http.StatusOK)
}

// picture asks for one until the queue has room, and checks it.
func (p *SoakPlan) picture(ctx context.Context, i int) error {
	for {
		again, err := p.ask(ctx, i+1)
		if err != nil || again == 0 {
			return err
		}
		select {
		case <-time.After(min(again, p.Patience)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *SoakPlan) body(i int) []byte {
	return fmt.Appendf(nil, `{"text_prompts":[{"text":"picture %d"}],"seed":%d,"steps":%d,"width":%d,"height":%d}`, i, i+1,
		p.Steps, p.Width, p.Height)
}

// form is a request as a form.
func form(i int) (body []byte, contentType string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for name, value := range map[string]string{"text_prompts[0][text]": "a star", "seed": fmt.Sprint(i + 1), "steps": "1", "width": "64", "height": "64"} {
		_ = w.WriteField(name, value) // into memory
	}
	_ = w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// expect sends a request until the queue has room, and wants a status.
func (p *SoakPlan) expect(ctx context.Context, method, path, contentType string, body []byte, status int,
	headers ...string) error {
	for {
		r, err := http.NewRequestWithContext(ctx, method, p.URL+path, bytes.NewReader(body))
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", contentType)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		authorize(r, p.Key)
		answer, data, err := do(r)
		switch {
		case err != nil:
			return err
		case answer.StatusCode == http.StatusTooManyRequests:
			select {
			case <-time.After(p.Patience):
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		case answer.StatusCode != status:
			return fmt.Errorf("%s %s: %s, want %d: %.200s", method, path, answer.Status, status, data)
		case slices.Contains(headers, "text/event-stream") && !strings.Contains(string(data), "event: result\n"):
			return fmt.Errorf("%s %s: events end without a result: %.200s", method, path, data)
		}
		return nil
	}
}

// Growth returns by how much each of what the server held grew from the first
// third of the samples to the last, by their medians; the very first, before all
// is there that is kept, does not count.
func (r *SoakResult) Growth() (heap, goroutines, descriptors float64) {
	s := r.Samples
	if len(s) > 3 {
		s = s[1:]
	}
	third := max(1, len(s)/3)
	grown := func(of func(Sample) float64) float64 {
		median := func(s []Sample) float64 {
			var v []float64
			for _, x := range s {
				v = append(v, of(x))
			}
			slices.Sort(v)
			return v[len(v)/2]
		}
		return median(s[len(s)-third:]) - median(s[:third])
	}
	return grown(func(s Sample) float64 { return s.Heap }), grown(func(s Sample) float64 { return s.Goroutines }),
		grown(func(s Sample) float64 { return s.Descriptors })
}
