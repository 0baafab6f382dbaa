package serve

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"time"
)

type contextKey int

const (
	idKey     contextKey = iota // of the request, as answers and the log name it
	clientKey                   // who asks
)

// recorder remembers the status of an answer.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what the server's writer can do.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// observe logs and counts what a handler answers.
func (s *Server) observe(route string, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, id := time.Now(), rand.Text()
		w.Header().Set("X-Request-Id", id)
		rec := &recorder{ResponseWriter: w}
		h.ServeHTTP(rec, r.WithContext(context.WithValue(r.Context(), idKey, id)))
		took := time.Since(start)
		s.metrics.answered(route, rec.status, took)
		level := slog.LevelInfo
		if r.Method == http.MethodGet {
			level = slog.LevelDebug // probes
		}
		s.Logger.Log(r.Context(), level, "request", "id", id, "method", r.Method, "path", r.URL.Path, "status", rec.status, "took", took)
	})
}

// guard lets only those in who show a key, and answers errors.
func (s *Server) guard(h func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _ := r.Context().Value(idKey).(string)
		client, ok := s.keys.client(r)
		var err error = &fault{status: http.StatusUnauthorized, Name: "unauthorized",
			Message: "want an API key this server knows, as Authorization: Bearer KEY or X-API-Key: KEY"}
		if ok {
			err = h(w, r.WithContext(context.WithValue(r.Context(), clientKey, client)))
		}
		if err == nil {
			return
		}
		f := s.asFault(err)
		if f.status == http.StatusInternalServerError {
			s.Logger.Error("request failed", "id", id, "error", err)
		}
		f.write(w, id)
	})
}

func clientOf(r *http.Request) string {
	name, _ := r.Context().Value(clientKey).(string)
	return name
}
