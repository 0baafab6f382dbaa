package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

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
		if engine := r.PathValue("engine"); engine != "" && !slices.Contains(s.Engines, engine) {
			return &fault{status: http.StatusNotFound, Name: "not_found", Message: fmt.Sprintf("no engine %.40q; there are %s", engine, strings.Join(s.Engines, ", "))}
		}
		request, err := s.readRequest(w, r, init)
		if err != nil {
			return err
		}
		po := sdxl.PredictOptions{Styles: s.Styles, Limits: s.Limits}
		if err := po.Check(request); err != nil {
			return err
		}
		answer := answerFor(r)
		if answer == asPicture && request.Samples != nil && *request.Samples != 1 {
			return violation("samples", "is %d, want 1 where the answer is the picture itself", *request.Samples)
		}
		if answer == asEvents {
			return s.streamEvents(w, r, request, po)
		}
		response, err := s.run(r, request, po, func(*ticket) {})
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
func (s *Server) run(r *http.Request, request *sdxl.Request, po sdxl.PredictOptions, queued func(*ticket)) (*sdxl.Response, error) {
	var response *sdxl.Response
	progress := po.Progress
	po.Progress = func(sample int, p sdxl.Progress) {
		s.metrics.steps.Inc()
		if progress != nil {
			progress(sample, p)
		}
	}
	err := s.inTurn(r, queued, func(ctx context.Context) (err error) {
		response, err = s.model.Predict(ctx, request, po)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.metrics.pictures.Add(len(response.Artifacts))
	return response, nil
}

// inTurn calls work when it is the client's turn.
func (s *Server) inTurn(r *http.Request, queued func(*ticket), work func(context.Context) error) error {
	ticket, err := s.queue.join(clientOf(r))
	if err != nil {
		return err
	}
	queued(ticket)
	came := time.Now()
	if err := ticket.wait(r.Context()); err != nil {
		return err
	}
	defer ticket.leave()
	start := time.Now()
	s.metrics.waited.Update(start.Sub(came).Seconds())
	if err := work(r.Context()); err != nil {
		return err
	}
	s.metrics.ran(time.Since(start))
	return nil
}

// readRequest reads a body of JSON, or a form where there may be a picture.
func (s *Server) readRequest(w http.ResponseWriter, r *http.Request, init initPicture) (*sdxl.Request, error) {
	var request *sdxl.Request
	err := s.readBody(w, r, func() (err error) {
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == "multipart/form-data" && init != noPicture {
			request, err = parseForm(r, s.MaxBody)
			return err
		}
		data, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		request, err = sdxl.ParseRequest(data)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case init == noPicture && request.InitImage != nil:
		return nil, violation("init_image", "is given, want it at image-to-image")
	case init == needsPicture && request.InitImage == nil:
		return nil, violation("init_image", "is missing, want a PNG, JPEG or WebP")
	}
	return request, nil
}

// readBody calls read with the body bounded in size and time.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request, read func() error) error {
	select {
	case s.reading <- struct{}{}:
		defer func() { <-s.reading }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	control := http.NewResponseController(w)
	deadline := control.SetReadDeadline(time.Now().Add(bodyTimeout)) == nil
	r.Body = http.MaxBytesReader(w, r.Body, s.MaxBody)
	err := read()
	if deadline {
		_ = control.SetReadDeadline(time.Time{}) // it could be set above
	}
	var invalid *sdxl.RequestError
	var tooLarge *http.MaxBytesError
	if err != nil && !errors.As(err, &invalid) && !errors.As(err, &tooLarge) {
		return violation("body", "can't be read: %v", err)
	}
	return err
}

// answer is how a client wants the pictures.
type answer int

const (
	asJSON answer = iota
	asPicture
	asEvents
)

func answerFor(r *http.Request) answer {
	for _, accept := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(accept, ",") {
			switch kind, _, _ := mime.ParseMediaType(part); kind {
			case "image/png":
				return asPicture
			case "text/event-stream":
				return asEvents
			case "application/json":
				return asJSON
			}
		}
	}
	return asJSON
}

func writePicture(w http.ResponseWriter, a sdxl.Artifact) {
	h := w.Header()
	h.Set("Content-Type", "image/png")
	h.Set("Content-Length", strconv.Itoa(len(a.PNG)))
	h.Set("Seed", strconv.FormatInt(a.Seed, 10))
	h.Set("Finish-Reason", a.FinishReason)
	_, _ = w.Write(a.PNG) // a client that left has no use for it
}
