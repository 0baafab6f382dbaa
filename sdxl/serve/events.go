package serve

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image/png"
	"net/http"
	"strconv"
	"time"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/df65613c/easel/sdxl"
)

// event is what server-sent events carry while a picture is made.
type event struct {
	Sample  int    `json:"sample"` // from 0
	Step    int    `json:"step"`
	Steps   int    `json:"steps"`
	Preview []byte `json:"preview,omitempty"` // PNG of what the picture is so far
}

// streamEvents answers with the events queued, progress, and result or error.
// ?preview=N adds a preview to every Nth step.
//
// The job runs beside, so that a client that does not read holds up no other:
// what it has not taken in time is dropped, and a write that fails ends the job.
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request, q *request.Request, po request.Options) error {
	every, err := s.previews(r, q)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	box := newMailbox()
	po.Progress = func(sample int, p sdxl.Progress) {
		e := &event{Sample: sample, Step: p.Step, Steps: p.Steps}
		if every > 0 && p.Step%every == 0 && p.Step < p.Steps && box.wantsPreview() {
			e.Preview = preview(ctx, p)
		}
		box.put("progress", e)
	}
	ended := make(chan error, 1)
	var response *request.Response
	go func() {
		ended <- carry(func() (err error) {
			response, err = s.run(ctx, q, po, func() {
				waiting, _, _ := s.queue.Load()
				box.put("queued", map[string]int{"waiting": waiting})
			})
			return err
		})
	}()
	stream := eventStream{w: w, control: http.NewResponseController(w), failed: cancel}
	alive := time.NewTicker(s.aliveEvery)
	defer alive.Stop()
	for {
		select {
		case <-box.filled:
			stream.sendAll(box.take())
		case <-alive.C:
			stream.comment()
		case err := <-ended:
			stream.sendAll(box.take())
			var p *panicked
			switch {
			case errors.As(err, &p):
				panic(p)
			case err == nil:
				stream.send("result", response)
			case !stream.opened:
				return err
			default:
				stream.send("error", s.faultOf(r, err))
			}
			return nil
		}
	}
}

// previews reads every how many steps the client wants one.
func (s *Server) previews(r *http.Request, q *request.Request) (every int, err error) {
	text := r.URL.Query().Get("preview")
	if text == "" {
		return 0, nil
	}
	if every, err = strconv.Atoi(text); err != nil || every < 1 {
		return 0, violation("preview", "is %.40q, want a whole number of steps from 1", text)
	}
	samples, steps := q.Pictures()
	if n := samples * ((steps - 1) / every); n > s.options.MaxPreviews {
		return 0, violation("preview", "is %d, which makes %d previews of %d steps and %d samples, want %d at most", every, n, steps, samples, s.options.MaxPreviews)
	}
	return every, nil
}

// preview returns a PNG of what a picture is so far, or nil where it can't be
// had: then the picture itself fails too.
func preview(ctx context.Context, p sdxl.Progress) []byte {
	images, err := p.Preview(ctx)
	if err != nil {
		return nil
	}
	var b bytes.Buffer
	if png.Encode(&b, images[0]) != nil {
		return nil
	}
	return b.Bytes()
}

// eventStream writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type eventStream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	failed  func() // called when the client can't be written to
	opened  bool
}

func (s *eventStream) sendAll(messages []message) {
	for _, m := range messages {
		s.send(m.name, m.value)
	}
}

func (s *eventStream) send(name string, value any) {
	if !s.opened {
		s.w.Header().Set("Content-Type", "text/event-stream")
		s.w.Header().Set("Cache-Control", "no-store")
		s.opened = true
	}
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // they are plain structs
	}
	s.write(fmt.Sprintf("event: %s\ndata: %s\n\n", name, data))
}

// comment shows proxies and both ends that the other is there.
func (s *eventStream) comment() {
	if s.opened {
		s.write(":\n\n")
	}
}

func (s *eventStream) write(text string) {
	if _, err := s.w.Write([]byte(text)); err != nil || s.control.Flush() != nil {
		s.failed()
	}
}
