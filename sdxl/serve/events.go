package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/png"
	"net/http"
	"strconv"

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
func (s *Server) streamEvents(w http.ResponseWriter, r *http.Request, request *sdxl.Request, po sdxl.PredictOptions) error {
	every := 0
	if text := r.URL.Query().Get("preview"); text != "" {
		var err error
		if every, err = strconv.Atoi(text); err != nil || every < 1 {
			return violation("preview", "is %.40q, want a whole number of steps from 1", text)
		}
	}
	control := http.NewResponseController(w)
	opened := false
	send := func(name string, v any) {
		data, err := json.Marshal(v)
		if err != nil {
			s.Logger.Error("event", "error", err)
			return
		}
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, data)
		_ = control.Flush() // where it can't, events come late
	}
	po.Progress = func(sample int, p sdxl.Progress) {
		e := event{Sample: sample, Step: p.Step, Steps: p.Steps}
		if every > 0 && p.Step%every == 0 && p.Step < p.Steps {
			if images, err := p.Preview(r.Context()); err == nil { // else the picture itself fails too
				var b bytes.Buffer
				if png.Encode(&b, images[0]) == nil {
					e.Preview = b.Bytes()
				}
			}
		}
		send("progress", e)
	}
	response, err := s.run(r, request, po, func(*ticket) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Cache-Control", "no-store")
		opened = true
		waiting, _, _ := s.queue.load()
		send("queued", map[string]int{"waiting": waiting})
	})
	switch {
	case err == nil:
		send("result", response)
	case !opened:
		return err
	default:
		f := s.asFault(err)
		if f.status == http.StatusInternalServerError {
			s.Logger.Error("request failed", "error", err)
		}
		f.ID, _ = r.Context().Value(idKey).(string)
		send("error", f)
	}
	return nil
}
