package load

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/demo"
	"github.com/df65613c/easel/sdxl/serve"
)

// start serves the model in the box.
func start(t *testing.T) (url string) {
	m, err := demo.Open(sdxl.OpenOptions{})
	require.NoError(t, err)
	b := cpu.New(cpu.Options{})
	server := httptest.NewServer(serve.New(serve.Options{Pipeline: sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}), Queue: 1, Logger: slog.New(slog.DiscardHandler)}))
	t.Cleanup(func() { server.Close(); b.Close(); m.Close() })
	return server.URL
}

func TestRunAndLeave(t *testing.T) {
	p := Plan{URL: start(t), Clients: 6, Requests: 2, Steps: 1, Width: 64, Height: 64, Patience: 10 * time.Millisecond}
	r, err := Run(context.Background(), p)
	require.NoError(t, err)
	require.Empty(t, r.Wrong)
	require.Equal(t, []int{12, 12}, []int{r.Answered, r.Made})
	require.Positive(t, r.Answer.P50)
	require.LessOrEqual(t, r.Answer.P50, r.Answer.P99)
	q, err := Leave(context.Background(), p, 2)
	require.NoError(t, err)
	require.Positive(t, q.Max)
}

func TestCheckFindsAnothersPicture(t *testing.T) {
	require.Error(t, check([]byte(`{"artifacts":[]}`), "x", 1))
	require.ErrorContains(t, check([]byte(`{"artifacts":[{"seed":2}]}`), "x", 1), "another request")
}

func TestQuantile(t *testing.T) {
	var times []float64
	for i := range 101 {
		times = append(times, float64(100-i))
	}
	require.Equal(t, Quantile{50, 99, 100}, NewQuantile(times))
	require.Equal(t, Quantile{}, NewQuantile(nil))
}
