package serve

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/df65613c/easel/internal/httplimit"
	"github.com/df65613c/easel/sdxl/request"

	"github.com/df65613c/easel/sdxl"
)

// initPicture says if a route takes a picture to start from.
type initPicture int

const (
	anyPicture initPicture = iota
	noPicture
	needsPicture
)

// predict answers requests for pictures: as JSON, as the picture itself, or as
// events, by what the client accepts.
func (s *Server) predict(init initPicture) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if engine := r.PathValue("engine"); engine != "" && !slices.Contains(s.options.Engines, engine) {
			return &fault{status: http.StatusNotFound, Name: "not_found",
				Message: fmt.Sprintf("no engine %.40q; there are %s", engine, strings.Join(s.options.Engines, ", "))}
		}
		answer, err := answerFor(r)
		if err != nil {
			return err
		}
		q, err := s.readRequest(w, r, init)
		if err != nil {
			return err
		}
		po := request.Options{Styles: s.options.Styles, Limits: s.options.Limits}
		if err := po.Check(q); err != nil {
			return err
		}
		if answer == asPicture && q.Samples != nil && *q.Samples != 1 {
			return violation("samples", "is %d, want 1 where the answer is the picture itself", *q.Samples)
		}
		if answer == asEvents {
			return s.streamEvents(w, r, q, po)
		}
		response, err := s.run(r.Context(), q, po, func() {})
		if err != nil {
			return err
		}
		if answer == asPicture {
			writePicture(w, response.Artifacts[0])
			return nil
		}
		writeJSON(w, http.StatusOK, response)
		return nil
	}
}

// run makes the pictures when it is the client's turn. queued is called when
// the job has its place.
func (s *Server) run(ctx context.Context, q *request.Request, po request.Options, queued func()) (*request.Response, error) {
	var response *request.Response
	progress := po.Progress
	po.Progress = func(sample int, p sdxl.Progress) {
		s.metrics.steps.Inc()
		if progress != nil {
			progress(sample, p)
		}
	}
	err := s.inTurn(ctx, queued, func(ctx context.Context) (err error) {
		response, err = s.model.Predict(ctx, q, po)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.metrics.pictures.Add(len(response.Artifacts))
	return response, nil
}

// inTurn calls work when it is the client's turn. All that costs more than
// reading a request is done here, and nothing here waits for the client.
func (s *Server) inTurn(ctx context.Context, queued func(), work func(context.Context) error) error {
	ctx, cancel := httplimit.HangUp(ctx, s.hangupEvery)
	defer cancel()
	ticket, err := s.queue.Join(clientOf(ctx))
	if err != nil {
		return err
	}
	queued()
	came := time.Now()
	if err := ticket.Wait(ctx); err != nil {
		return err
	}
	defer ticket.Leave()
	start := time.Now()
	s.metrics.waited.Update(start.Sub(came).Seconds())
	if err := work(ctx); err != nil {
		return err
	}
	s.metrics.ran(time.Since(start))
	return nil
}

// readRequest reads a body of JSON, or a form where there may be a picture.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, init initPicture) (*request.Request, error) {
	var q *request.Request
	err := s.readBody(w, func() (err error) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" && init != noPicture {
			q, err = parseForm(r, s.options.MaxBody)
			return err
		}
		data, err := readAll(r)
		if err != nil {
			return err
		}
		q, err = request.Parse(data)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case init == noPicture && q.InitImage != nil:
		return nil, violation("init_image", "is given, want it at image-to-image")
	case init == needsPicture && q.InitImage == nil:
		return nil, violation("init_image", "is missing, want a PNG, JPEG, WebP, GIF, BMP or TIFF")
	}
	return q, nil
}

func writePicture(w http.ResponseWriter, a request.Artifact) {
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(len(a.PNG)))
	h.Set("Seed", strconv.FormatInt(a.Seed, 10))
	h.Set("Finish-Reason", a.FinishReason)
	_, _ = w.Write(a.PNG) // a client that left has no use for it
}
