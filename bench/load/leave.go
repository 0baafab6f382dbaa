package load

import (
	"bufio"
	"context"
	"net/http"
	"time"

	"github.com/df65613c/easel/sdxl/request"
)

// Leave measures how soon the server lets go of the work of clients that leave
// in the middle of it, at another step each time.
func Leave(ctx context.Context, p Plan, times int) (Quantile, error) {
	var seconds []float64
	for i := range times {
		s, err := p.leave(ctx, i%8+1)
		if err != nil {
			return Quantile{}, err
		}
		seconds = append(seconds, s)
	}
	return NewQuantile(seconds), nil
}

func (p *Plan) leave(ctx context.Context, after int) (float64, error) {
	client, cancel := context.WithCancel(ctx)
	defer cancel()
	const long = 150 // steps, so that some are left to stop
	r, err := p.request(client, "text/event-stream", request.Request{
		TextPrompts: []request.TextPrompt{{Text: "a picture nobody waits for"}}, Steps: new(long), Width: &p.Width, Height: &p.Height,
	})
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	lines := bufio.NewScanner(answer.Body)
	for seen := 0; seen < after && lines.Scan(); {
		if lines.Text() == "event: progress" {
			seen++
		}
	}
	if err := lines.Err(); err != nil {
		return 0, err
	}
	cancel()
	left := time.Now()
	for {
		running, err := p.metric(ctx, "easel_jobs_running")
		if err != nil {
			return 0, err
		}
		if running == 0 {
			return time.Since(left).Seconds(), nil
		}
	}
}
