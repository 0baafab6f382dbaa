package serve

import (
	"context"
	"errors"
	"fmt"
	"image"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

// noise is a picture that no compression makes small.
var noise = sync.OnceValue(func() []*image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 512, 512))
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range img.Pix {
		img.Pix[i] = byte(rng.Uint32())
	}
	return []*image.NRGBA{img}
})

// noisy is a preview of it.
func noisy(context.Context) ([]*image.NRGBA, error) { return noise(), nil }

// stalled asks for events and does not read them.
func stalled(t *testing.T, url string) net.Conn {
	c := dial(t, url, "")
	require.NoError(t, c.(*net.TCPConn).SetReadBuffer(4<<10))
	post(t, c, "/predict?preview=1", seeded(1), "Accept: text/event-stream\r\n", 0)
	return c
}

// TestStalledReaderHoldsNoTurn: of a client that does not read its events the job
// ends as soon as ever, and no more previews are made than the connection and
// the mailbox take. No write fails in this time, which would end the job too.
func TestStalledReaderHoldsNoTurn(t *testing.T) {
	const steps, few = 100, 30
	var made atomic.Int32
	counted := func(ctx context.Context) ([]*image.NRGBA, error) {
		made.Add(1)
		return noisy(ctx)
	}
	s, url := startFake(t, Options{WriteTimeout: time.Hour}, func(_ context.Context, r *request.Request, po request.Options) error {
		for step := range steps {
			po.Progress(0, sdxl.Progress{Step: step + 1, Steps: steps + 1, Preview: counted})
		}
		return nil
	})
	conn := stalled(t, url)
	eventually(t, func() bool { return s.metrics.steps.Get() == steps && s.idle() })
	require.Less(t, made.Load(), int32(few))
	answer, _ := call(t, url+"/predict", []byte(seeded(1)))
	require.Equal(t, 200, answer.StatusCode)
	require.NoError(t, conn.Close())
}

// TestStalledReaderEndsItsJob: a write that does not get through in time ends
// the job.
func TestStalledReaderEndsItsJob(t *testing.T) {
	ended := make(chan error, 1)
	s, url := startFake(t, Options{WriteTimeout: 50 * time.Millisecond}, func(ctx context.Context, r *request.Request, po request.Options) error {
		for step := 0; ctx.Err() == nil; step++ {
			po.Progress(0, sdxl.Progress{Step: step + 1, Steps: step + 3, Preview: noisy})
		}
		ended <- ctx.Err()
		return ctx.Err()
	})
	stalled(t, url)
	require.ErrorIs(t, <-ended, context.Canceled)
	eventually(t, s.idle)
}

// TestReadTimeout: a body that stops coming is answered, and its connection closed.
func TestReadTimeout(t *testing.T) {
	_, url := startFake(t, Options{ReadTimeout: 50 * time.Millisecond}, instant)
	for _, path := range []string{"/predict", "/v1/embeddings"} {
		c := dial(t, url, "")
		post(t, c, path, seeded(1), "", 1)
		answer := receive(t, c)
		require.Equal(t, 408, answer.StatusCode, path)
		require.True(t, answer.Close)
	}
	for _, path := range []string{"/ping", "/none", "/v1/generation/none/text-to-image"} { // which does not read a body
		c := dial(t, url, "")
		post(t, c, path, seeded(1), "", 1)
		require.Contains(t, []int{404, 405}, receive(t, c).StatusCode, path)
	}
}

// TestJobOutlastsReadTimeout: the time for the body is none for the job.
func TestJobOutlastsReadTimeout(t *testing.T) {
	_, url := startFake(t, Options{ReadTimeout: 100 * time.Millisecond, WriteTimeout: 100 * time.Millisecond}, func(ctx context.Context, r *request.Request, _ request.Options) error {
		select {
		case <-time.After(400 * time.Millisecond):
			return nil
		case <-ctx.Done():
			return errors.New("cancelled")
		}
	})
	for _, accept := range []string{"application/json", "text/event-stream"} {
		answer, data := call(t, url+"/predict", []byte(seeded(1)), "Accept", accept)
		require.Equal(t, 200, answer.StatusCode)
		require.Contains(t, string(data), "SUCCESS")
	}
}

// TestPipelinedClientThatLeaves: it is noticed though it has sent more than its
// request, which hides the end of its connection from net/http.
func TestPipelinedClientThatLeaves(t *testing.T) {
	ended := make(chan error, 1)
	s, url := startFake(t, Options{}, func(ctx context.Context, r *request.Request, po request.Options) error {
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	c := dial(t, url, "")
	post(t, c, "/predict", seeded(1), "", 0)
	post(t, c, "/predict", seeded(2), "", 0)
	eventually(t, func() bool { return !s.idle() })
	require.NoError(t, c.Close())
	require.ErrorIs(t, <-ended, context.Canceled)
	eventually(t, s.idle)
}

// TestPreviews: as many as there may be are made, and one more is refused.
func TestPreviews(t *testing.T) {
	s := newServer(Options{Logger: quiet(), MaxPreviews: 10}, fake(instant))
	for _, c := range []struct {
		steps, samples, every int
		status                int
	}{{11, 1, 1, 200}, {12, 1, 1, 400}, {22, 1, 2, 200}, {23, 1, 2, 400}, {6, 2, 1, 200}, {7, 2, 1, 400}, {6, 3, 1, 400}} {
		body := fmt.Sprintf(`{"text_prompts":[{"text":"x"}],"seed":1,"steps":%d,"samples":%d}`, c.steps, c.samples)
		w := ask(t, s, "POST", fmt.Sprintf("/predict?preview=%d", c.every), body, func(r *http.Request) { r.Header.Set("Accept", "text/event-stream") })
		require.Equal(t, c.status, w.Code, c)
	}
}
