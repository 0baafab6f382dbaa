package serve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/df65613c/easel/internal/httplimit"
	"github.com/df65613c/easel/sdxl/request"

	"github.com/df65613c/easel/sched"
)

// fault is an answer that is no success, in the v1 API's JSON.
type fault struct {
	status     int
	retryAfter int    // seconds, if not 0
	allow      string // methods, where another is not allowed

	ID         string              `json:"id"`
	Name       string              `json:"name"`
	Message    string              `json:"message"`
	Violations []request.Violation `json:"violations,omitempty"`
}

func (f *fault) Error() string { return f.Message }

func violation(field, format string, args ...any) error {
	return &request.Error{Violations: []request.Violation{{Field: field, Message: fmt.Sprintf(format, args...)}}}
}

// asFault finds the answer to an error. Nothing of an inner one is told.
func (s *Server) asFault(err error) *fault {
	var f *fault
	var invalid *request.Error
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &invalid):
		return badRequest(invalid.Violations)
	case errors.As(err, &tooLarge):
		return &fault{status: http.StatusRequestEntityTooLarge, Name: "payload_too_large",
			Message:    fmt.Sprintf("body is over %d bytes", tooLarge.Limit),
			Violations: []request.Violation{{Field: "body", Message: fmt.Sprintf("is over %d bytes, want no more", tooLarge.Limit)}}}
	case errors.Is(err, sched.ErrNotFinite):
		return &fault{status: http.StatusUnprocessableEntity, Name: "unprocessable",
			Message: "what the network made of the request holds no numbers; want smaller weights and scales"}
	case errors.Is(err, httplimit.ErrFull), errors.Is(err, httplimit.ErrNoRoom):
		return &fault{status: http.StatusTooManyRequests, retryAfter: s.metrics.retryAfter(), Name: "too_many_requests",
			Message: err.Error() + "; try again later"}
	case errors.Is(err, httplimit.ErrDraining):
		return &fault{status: http.StatusServiceUnavailable, retryAfter: s.metrics.retryAfter(),
			Name: "unavailable", Message: err.Error()}
	case errors.Is(err, context.Canceled):
		return &fault{status: statusClientClosed, Name: "canceled", Message: "the request was cancelled"}
	}
	return &fault{status: http.StatusInternalServerError, Name: "internal_error",
		Message: "the picture could not be made; the server's log tells why"}
}

// What is said of violations, so that an answer stays small whatever the
// request was.
const (
	maxViolations = 20
	maxField      = 100  // bytes
	maxMessage    = 1500 // bytes; lists of names take most
)

// badRequest names the fields that are wrong. Its message is the first one's.
func badRequest(violations []request.Violation) *fault {
	f := &fault{status: http.StatusBadRequest, Name: "bad_request"}
	for _, v := range violations[:min(len(violations), maxViolations)] {
		f.Violations = append(f.Violations, request.Violation{Field: cut(v.Field, maxField), Message: cut(v.Message, maxMessage)})
	}
	if n := len(violations) - maxViolations; n > 0 {
		f.Violations = append(f.Violations, request.Violation{Field: "body", Message: fmt.Sprintf("has %d more faults", n)})
	}
	f.Message = f.Violations[0].Field + " " + f.Violations[0].Message
	if n := len(violations); n > 1 {
		f.Message += fmt.Sprintf("; and %d more, see violations", n-1)
	}
	return f
}

// cut shortens a text to a number of bytes and dots.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// statusClientClosed is what logs say where the client left (nginx's 499).
const statusClientClosed = 499

func (f *fault) write(w http.ResponseWriter, id string) {
	f.ID = id
	h := w.Header()
	if f.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	switch f.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", f.allow)
	}
	writeJSON(w, f.status, f)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that left has no use for it
}
