package load

import (
	"context"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSoak(t *testing.T) {
	url := start(t)
	p := SoakPlan{Plan: Plan{URL: url, Clients: 4, Requests: 60, Steps: 1, Width: 64, Height: 64, Patience: 10 * time.Millisecond}, Rounds: 3, Settle: runtime.GC}
	told := 0
	p.Tell = func(Sample) { told++ }
	r, err := Soak(context.Background(), p)
	require.NoError(t, err)
	require.Empty(t, r.Wrong)
	require.Len(t, r.Samples, 3)
	require.Equal(t, 3, told)
	require.Equal(t, 60, r.Samples[2].Requests)
	for _, s := range r.Samples {
		require.Positive(t, s.Heap)
		require.Positive(t, s.Goroutines)
	}
}

// TestSoakFindsWrongAnswers: a server that answers nonsense is found out.
func TestSoakFindsWrongAnswers(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/metrics" {
			for _, name := range []string{"easel_jobs_running", "go_memstats_heap_inuse_bytes", "process_resident_memory_bytes", "go_goroutines", "process_open_fds"} {
				_, _ = w.Write([]byte(name + " 0\n"))
			}
		}
	}))
	defer server.Close()
	r, err := Soak(context.Background(), SoakPlan{Plan: Plan{URL: server.URL, Clients: 1, Requests: 20}, Rounds: 1})
	require.NoError(t, err)
	require.Greater(t, len(r.Wrong), 10)
}

func TestGrowth(t *testing.T) {
	r := &SoakResult{Samples: []Sample{{Heap: 1}, {Heap: 10, Goroutines: 5}, {Heap: 11, Goroutines: 5}, {Heap: 12, Goroutines: 5}, {Heap: 30, Goroutines: 5, Descriptors: 2}}}
	heap, goroutines, descriptors := r.Growth()
	require.Equal(t, []float64{20, 0, 2}, []float64{heap, goroutines, descriptors})
}
