package serve

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/df65613c/easel/internal/httplimit"
)

type contextKey int

const (
	idKey     contextKey = iota // of the request, as answers and the log name it
	clientKey                   // who asks
)

// observe logs and counts what a handler answers. A panic ends its request alone.
func (s *Server) observe(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, id := time.Now(), rand.Text()
		w.Header().Set("X-Request-Id", id)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		rec := httplimit.NewWriter(w, s.options.WriteTimeout)
		if r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(start.Add(s.options.ReadTimeout)) // writers of tests have none
		}
		r = r.WithContext(context.WithValue(r.Context(), idKey, id))
		defer func() {
			fault := recover()
			if fault != nil && fault != http.ErrAbortHandler {
				s.metrics.panics.Inc()
				s.options.Logger.Error("panic", "id", id, "method", r.Method, "path", r.URL.Path, "panic", fault, "stack", stackOf(fault))
				if rec.Status == 0 {
					s.asFault(errPanic).write(rec, id)
					fault = nil
				} else {
					fault = http.ErrAbortHandler // the answer has begun: it is cut
				}
			}
			rec.Extend() // for what the server has yet to send
			s.answered(r, id, rec.Status, time.Since(start))
			if fault != nil {
				panic(fault)
			}
		}()
		h.ServeHTTP(rec, r)
	})
}

var errPanic = errors.New("a handler failed")

func (s *Server) answered(r *http.Request, id string, status int, took time.Duration) {
	route := r.Pattern
	if route == "" {
		route = "none"
	}
	s.metrics.answered(route, status, took)
	level := slog.LevelInfo
	if r.Method == http.MethodGet {
		level = slog.LevelDebug // probes
	}
	s.options.Logger.Log(r.Context(), level, "request", "id", id, "method", r.Method, "path", r.URL.Path,
		"status", status, "took", took)
}

// guard lets only those in who show a key, and answers errors.
func (s *Server) guard(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client, ok := s.keys.client(r)
		var err error = &fault{status: http.StatusUnauthorized, Name: "unauthorized",
			Message: "want an API key this server knows, as Authorization: Bearer KEY or X-API-Key: KEY"}
		if ok {
			err = h(w, r.WithContext(context.WithValue(r.Context(), clientKey, client)))
		}
		if err == nil {
			return
		}
		s.fail(w, r, err)
	})
}

func clientOf(ctx context.Context) string {
	name, _ := ctx.Value(clientKey).(string)
	return name
}

// fail answers an error, and logs one that is the server's own.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.faultOf(r, err).write(w, idOf(r))
}

func (s *Server) faultOf(r *http.Request, err error) *fault {
	f := s.asFault(err)
	if f.status == http.StatusInternalServerError {
		s.options.Logger.Error("request failed", "id", idOf(r), "error", err)
	}
	f.ID = idOf(r)
	return f
}

func idOf(r *http.Request) string {
	id, _ := r.Context().Value(idKey).(string)
	return id
}
