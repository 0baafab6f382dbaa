// Package serve answers HTTP requests for vectors of texts and pictures as
// OpenAI's embeddings API does, with pictures as infinity takes them, and as the
// machine-learning service of Immich does for its search.
package serve

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"github.com/df65613c/easel/clip"
)

// Options adjust a Handler. Only Model must be given.
type Options struct {
	Model *clip.Model
	// Name is what the model is called in answers; "" is the name of its folder.
	Name string
	// APIKeys, if any, are what clients must show one of.
	APIKeys []string
	MaxBody int64 // bytes of a request; 0 is 64 MiB
	// Requests is how many may be read and computed at once; 0 is 256. More are
	// answered 503.
	Requests int
	// ReadTimeout bounds how long a body may take; 0 is 30 s.
	ReadTimeout time.Duration
}

const (
	defaultBody     = 64 << 20
	defaultRequests = 256
	defaultTimeout  = 30 * time.Second
)

// Handler is the http.Handler.
type Handler struct {
	Options
	mux    http.Handler
	keys   [][sha256.Size]byte
	places chan struct{}
}

// New returns a handler. Requests that come at the same time are computed in
// batches.
func New(o Options) *Handler {
	if o.Name == "" {
		o.Name = filepath.Base(o.Model.Path)
	}
	if o.MaxBody <= 0 {
		o.MaxBody = defaultBody
	}
	if o.Requests <= 0 {
		o.Requests = defaultRequests
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = defaultTimeout
	}
	h := &Handler{Options: o, places: make(chan struct{}, o.Requests)}
	for _, key := range o.APIKeys {
		h.keys = append(h.keys, sha256.Sum256([]byte(key)))
	}
	mux := http.NewServeMux()
	mux.Handle("POST /v1/embeddings", h.work(h.embeddings))
	mux.Handle("POST /predict", h.work(h.predict))
	mux.Handle("GET /v1/models", h.guard(h.models))
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"message": "Immich ML"})
	})
	for path, text := range map[string]string{"/ping": "pong", "/healthz": "ok\n", "/readyz": "ready\n"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, text) // a client that left has no use for it
		})
	}
	// Pages of other sites may not have work done.
	h.mux = http.NewCrossOriginProtection().Handler(mux)
	return h
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

// fault is an error that is the client's, or that has a status of its own.
type fault struct {
	status  int
	field   string // of the request, or ""
	message string
}

func (f *fault) Error() string {
	if f.field == "" {
		return f.message
	}
	return f.field + " " + f.message
}

func refuse(field, format string, args ...any) error {
	return &fault{http.StatusBadRequest, field, fmt.Sprintf(format, args...)}
}

type route func(w http.ResponseWriter, r *http.Request) error

// guard checks the key, and answers faults in OpenAI's form.
func (h *Handler) guard(f route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h.checkKey(r)
		if err == nil {
			err = f(w, r)
		}
		if err == nil || r.Context().Err() != nil { // a client that left
			return
		}
		f := fault{http.StatusInternalServerError, "", "the vectors could not be computed"}
		if own := (*fault)(nil); errors.As(err, &own) {
			f = *own
		}
		kind := "invalid_request_error"
		if f.status >= 500 {
			kind = "server_error"
		}
		if f.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "1")
		}
		answer(w, f.status, map[string]any{"error": map[string]any{"message": f.Error(), "type": kind, "param": orNil(f.field), "code": nil}})
	})
}

func orNil(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// work is guard for what is computed: it bounds bodies, how long they take, and
// how many there are at once.
func (h *Handler) work(f route) http.Handler {
	return h.guard(func(w http.ResponseWriter, r *http.Request) error {
		select {
		case h.places <- struct{}{}:
			defer func() { <-h.places }()
		default:
			return &fault{http.StatusServiceUnavailable, "", fmt.Sprintf("%d requests are being worked on, which is as many as there may be", h.Requests)}
		}
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.ReadTimeout)) // a recorder has none
		r.Body = http.MaxBytesReader(w, r.Body, h.MaxBody)
		return f(w, r)
	})
}

// wasRead ends the deadline of a body, which would cut the computation short.
func wasRead(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a recorder has none
}

// checkBody returns the fault of a body that could not be read.
func (h *Handler) checkBody(err error) error {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return &fault{http.StatusRequestEntityTooLarge, "body", fmt.Sprintf("has more than %d bytes", h.MaxBody)}
	}
	return refuse("body", "could not be read: %v", err)
}

// checkKey returns an error unless a key is shown that is one of ours.
func (h *Handler) checkKey(r *http.Request) error {
	if len(h.keys) == 0 {
		return nil
	}
	shown := r.Header.Get("X-API-Key")
	if scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		shown = strings.TrimSpace(key)
	}
	sum := sha256.Sum256([]byte(shown))
	found := 0
	for _, k := range h.keys { // all of them, so that the time tells nothing
		found |= subtle.ConstantTimeCompare(k[:], sum[:])
	}
	if found == 0 {
		return &fault{http.StatusUnauthorized, "", "no valid API key was shown, want Authorization: Bearer KEY"}
	}
	return nil
}

// models lists the one model, as OpenAI lists its own.
func (h *Handler) models(w http.ResponseWriter, _ *http.Request) error {
	answer(w, http.StatusOK, map[string]any{"object": "list", "data": []any{
		map[string]any{"id": h.Name, "object": "model", "created": 0, "owned_by": "easel"},
	}})
	return nil
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil { // a number that is not finite
		status, data = http.StatusInternalServerError, []byte(`{"error":{"message":"the vectors are not finite","type":"server_error","param":null,"code":null}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // a client that left has no use for it
}
