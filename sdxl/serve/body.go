package serve

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/df65613c/easel/internal/httplimit"
	"github.com/df65613c/easel/sdxl/request"
)

// withBody calls handle with the body bounded in size, time and memory.
func (s *Server) withBody(h func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.ContentLength > s.options.MaxBody { // which is known before any of it is read
			w.Header().Set("Connection", "close")
			return &http.MaxBytesError{Limit: s.options.MaxBody}
		}
		r.Body = s.bodies.Body(http.MaxBytesReader(w, r.Body, s.options.MaxBody), clientOf(r.Context()))
		defer r.Body.Close()
		return h(w, r)
	}
}

// readBody calls read, which must be done within the time for bodies. observe
// has set the deadline, which stays where the body could not be read to its end:
// then nothing waits for the rest of it either.
func (s *Server) readBody(w http.ResponseWriter, read func() error) error {
	err := read()
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a job may take longer
	}
	var invalid *request.Error
	var tooLarge *http.MaxBytesError
	switch {
	case err == nil || errors.As(err, &invalid):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = &fault{status: http.StatusRequestTimeout, Name: "request_timeout",
			Message: fmt.Sprintf("the body did not come within %v", s.options.ReadTimeout)}
	case !errors.As(err, &tooLarge) && !errors.Is(err, httplimit.ErrNoRoom):
		err = violation("body", "can't be read: %.200v", err)
	}
	w.Header().Set("Connection", "close")
	return err
}

// readAll reads a body without a mark of its encoding.
func readAll(r *http.Request) ([]byte, error) {
	data, err := io.ReadAll(r.Body)
	return bytes.TrimPrefix(data, []byte("\uFEFF")), err
}
