package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// gate is a model whose jobs run until they are let through or cancelled.
type gate struct {
	open             chan struct{}
	started, stopped atomic.Int32
}

func (g *gate) Predict(ctx context.Context, r *request.Request, _ request.Options) (*request.Response, error) {
	g.started.Add(1)
	defer g.stopped.Add(1)
	select {
	case <-g.open:
		return &request.Response{Artifacts: []request.Artifact{{Seed: *r.Seed}}}, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) Embed(context.Context, []string) ([][]float32, int, error) { panic("not asked for") }

func (g *gate) Dimensions() int { return 4 }

func startGate(t *testing.T, o Options) (*gate, *Server, string) {
	g := &gate{open: make(chan struct{})}
	o.Logger = quiet()
	s := newServer(o, g)
	return g, s, listen(t, s)
}

func seeded(seed int) string {
	return fmt.Sprintf(`{"text_prompts":[{"text":"x"}],"steps":1,"cfg_scale":0,"seed":%d,"width":64,"height":64}`, seed)
}

func TestFullQueueIsTold(t *testing.T) {
	g, s, url := startGate(t, Options{Queue: 8})
	var wg sync.WaitGroup
	for seed := 1; seed <= 9; seed++ {
		wg.Go(func() {
			answer, data := call(t, url+"/predict", []byte(seeded(seed)))
			if answer.StatusCode != 200 || !strings.Contains(string(data), fmt.Sprintf(`"seed":%d`, seed)) {
				t.Errorf("seed %d: %d %s", seed, answer.StatusCode, data)
			}
		})
	}
	eventually(t, func() bool { waiting, running, _ := s.queue.Load(); return waiting == 8 && running == 1 })
	for range 20 {
		answer, data := call(t, url+"/predict", []byte(seeded(99)))
		require.Equal(t, 429, answer.StatusCode)
		after, err := strconv.Atoi(answer.Header.Get("Retry-After"))
		require.NoError(t, err)
		require.Positive(t, after)
		require.Contains(t, string(data), "the queue is full")
	}
	answer, _ := call(t, url+"/predict", []byte(`{}`))
	require.Equal(t, 400, answer.StatusCode, "what is wrong is told although the queue is full")
	close(g.open)
	wg.Wait()
	require.Equal(t, int32(9), g.started.Load())
}

func TestClientThatLeavesStopsItsWork(t *testing.T) {
	g, s, url := startGate(t, Options{})
	ctx, leave := context.WithCancel(context.Background())
	ended := make(chan error)
	for range 2 { // one runs, one waits
		go func() {
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/predict", strings.NewReader(seeded(1)))
			if err == nil {
				_, err = http.DefaultClient.Do(r)
			}
			ended <- err
		}()
	}
	eventually(t, func() bool { waiting, running, _ := s.queue.Load(); return waiting == 1 && running == 1 })
	leave()
	require.ErrorIs(t, <-ended, context.Canceled)
	require.ErrorIs(t, <-ended, context.Canceled)
	eventually(t, func() bool { waiting, running, _ := s.queue.Load(); return waiting+running == 0 })
	require.Equal(t, g.started.Load(), g.stopped.Load())
}

func TestDrain(t *testing.T) {
	g, s, url := startGate(t, Options{})
	answers := make(chan int)
	for seed := range 3 {
		go func() {
			answer, _ := call(t, url+"/predict", []byte(seeded(seed)))
			answers <- answer.StatusCode
		}()
	}
	eventually(t, func() bool { waiting, _, _ := s.queue.Load(); return waiting == 2 })
	s.Drain()
	answer, _ := call(t, url+"/predict", []byte(seeded(9)))
	require.Equal(t, 503, answer.StatusCode)
	require.NotEmpty(t, answer.Header.Get("Retry-After"))
	answer, _ = call(t, url+"/readyz", nil)
	require.Equal(t, 503, answer.StatusCode)
	answer, _ = call(t, url+"/healthz", nil)
	require.Equal(t, 200, answer.StatusCode)
	close(g.open)
	for range 3 {
		require.Equal(t, 200, <-answers)
	}
	s.Wait()
}

// TestManyClients has 64 clients at once at a queue of 8, each of which asks
// again while the queue is full, and compares each answer with the picture of its seed.
func TestManyClients(t *testing.T) {
	const clients, seeds = 64, 8
	each := 2
	if testing.Short() {
		each = 1
	}
	url := start(t, Options{Queue: 8})
	pictures := make([][]byte, seeds)
	for i := range pictures {
		pictures[i] = want(t, seeded(i+1))
	}
	var full, answered atomic.Int32
	var wg sync.WaitGroup
	for c := range clients {
		wg.Go(func() {
			for i := range each {
				seed := (c*each+i)%seeds + 1
				for {
					answer, err := http.Post(url+"/predict", "application/json", strings.NewReader(seeded(seed)))
					if err != nil {
						t.Error(err)
						return
					}
					data, err := io.ReadAll(answer.Body)
					answer.Body.Close()
					if answer.StatusCode == 429 {
						full.Add(1)
						time.Sleep(20 * time.Millisecond) // the header says seconds, which a test has not
						continue
					}
					var r request.Response
					if err != nil || json.Unmarshal(data, &r) != nil || len(r.Artifacts) != 1 || !bytes.Equal(pictures[seed-1], r.Artifacts[0].PNG) {
						t.Errorf("client %d, seed %d: status %d, another answer", c, seed, answer.StatusCode)
						return
					}
					answered.Add(1)
					break
				}
			}
		})
	}
	wg.Wait()
	require.Equal(t, int32(clients*each), answered.Load())
	_, data := call(t, url+"/metrics", nil)
	require.Contains(t, string(data), fmt.Sprintf("easel_pictures_total %d\n", clients*each), "none was made twice")
	t.Logf("%d answered, %d times full", answered.Load(), full.Load())
}

func TestMemoryStaysFlat(t *testing.T) {
	requests := 1000
	if testing.Short() {
		requests = 100
	}
	m, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{}) // the smallest
	require.NoError(t, err)
	url := startModel(t, m, Options{})
	var early, late runtime.MemStats
	heap := func(m *runtime.MemStats) {
		runtime.GC()
		runtime.GC() // what finalizers and pools held
		runtime.ReadMemStats(m)
	}
	for i := range requests {
		answer, _ := call(t, url+"/predict", []byte(seeded(1)))
		require.Equal(t, 200, answer.StatusCode)
		if i == requests/10 {
			heap(&early)
		}
	}
	heap(&late)
	const most = 4 << 20
	require.Less(t, int64(late.HeapAlloc)-int64(early.HeapAlloc), int64(most))
	t.Logf("heap %d KiB after %d requests, %d KiB after %d", early.HeapAlloc>>10, requests/10, late.HeapAlloc>>10, requests)
}
