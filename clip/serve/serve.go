// Package serve answers HTTP requests for vectors of texts and pictures as
// OpenAI's embeddings API does, with pictures as infinity takes them, and as the
// machine-learning service of Immich does for its search.
package serve

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/httplimit"
	"github.com/df65613c/easel/internal/openai"
)

// Options adjust a Handler. Only Model must be given.
type Options struct {
	Model *clip.Model
	// Name is what the model is called in answers; "" is the name of its folder.
	Name string
	// APIKeys, if any, are what clients must show one of.
	APIKeys []string
	MaxBody int64 // bytes of a request; 0 is 64 MiB
	// Bodies is how many bytes of requests may be in memory at once; 0 is four of
	// the largest, 256 MiB. Requests is how many may be read and computed at
	// once; 0 is 256. A client may have half of each. More is answered 503.
	Bodies   int64
	Requests int
	// ReadTimeout bounds how long a body may take, and WriteTimeout how long the
	// client may let an answer wait; 0 is 30 s.
	ReadTimeout, WriteTimeout time.Duration
	// Connections and ConnectionsPerClient bound the connections of HTTPServer;
	// 0 is 4096 and 1024.
	Connections, ConnectionsPerClient int
	// Hosts are names of this server with a dot in them. Without APIKeys it
	// answers to no others, and to addresses.
	Hosts  []string
	Logger *slog.Logger // nil is slog.Default
}

const (
	defaultBody     = 64 << 20
	defaultBodies   = 4 // of the largest
	defaultRequests = 256
	defaultTimeout  = 30 * time.Second
	hangUpEvery     = time.Second

	defaultConnections          = 4096
	defaultConnectionsPerClient = 1024

	// picturesAtOnce is how many pictures are decoded and computed at a time, of all
	// clients in turn: enough for full batches.
	picturesAtOnce = 128
)

// Handler is the http.Handler.
type Handler struct {
	Options
	handler  http.Handler
	since    time.Time
	keys     [][sha256.Size]byte
	requests *httplimit.Budget // one for each
	bodies   *httplimit.Budget
	pictures *httplimit.Queue // those that are worked on
	reading  *httplimit.Queue // what is done before a tower computes, on a processor
}

// New returns a handler. Requests that come at the same time are computed in
// batches.
func New(o Options) *Handler {
	if o.Name == "" {
		o.Name = filepath.Base(o.Model.Path)
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	standard(&o.MaxBody, defaultBody)
	standard(&o.Bodies, defaultBodies*o.MaxBody)
	standard(&o.Requests, defaultRequests)
	standard(&o.ReadTimeout, defaultTimeout)
	standard(&o.WriteTimeout, defaultTimeout)
	standard(&o.Connections, defaultConnections)
	standard(&o.ConnectionsPerClient, defaultConnectionsPerClient)
	h := &Handler{
		Options: o, since: time.Now(), requests: httplimit.NewBudget(int64(o.Requests), 1),
		bodies:   httplimit.NewBudget(o.Bodies, o.MaxBody),
		pictures: httplimit.NewQueue(picturesAtOnce, math.MaxInt, math.MaxInt),
		reading:  httplimit.NewQueue(runtime.GOMAXPROCS(0), math.MaxInt, math.MaxInt),
	}
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
	h.handler = h.bounded(h.checkHost(http.NewCrossOriginProtection().Handler(mux)))
	return h
}

// standard sets what is not given.
func standard[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

// ServeHTTP answers a request.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.handler.ServeHTTP(w, r) }

// HTTPServer returns a server of the handler, which bounds the time and size of
// headers and the number of connections.
func (h *Handler) HTTPServer() *http.Server {
	server := httplimit.NewServer(h, h.Connections, h.ConnectionsPerClient)
	server.ErrorLog = slog.NewLogLogger(h.Logger.Handler(), slog.LevelDebug)
	return server
}

// bounded bounds how long a client may take to send and to receive. A panic ends
// its request alone.
func (h *Handler) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		if r.Body != http.NoBody {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.ReadTimeout)) // a recorder has none
		}
		bound := httplimit.NewWriter(w, h.WriteTimeout)
		defer func() {
			panicked := recover()
			if panicked != nil && panicked != http.ErrAbortHandler {
				h.Logger.Error("panic", "method", r.Method, "path", r.URL.Path, "panic", panicked, "stack", string(debug.Stack()))
				if bound.Status == 0 {
					refused(bound, &fault{http.StatusInternalServerError, "", "the vectors could not be computed"})
					panicked = nil
				} else {
					panicked = http.ErrAbortHandler // the answer has begun: it is cut
				}
			}
			bound.Extend() // for what the server has yet to send
			if panicked != nil {
				panic(panicked)
			}
		}()
		next.ServeHTTP(bound, r)
	})
}

// checkHost refuses requests under another's name where no key is asked for: a
// page whose domain was bound to this machine's address could send them
// (DNS rebinding).
func (h *Handler) checkHost(next http.Handler) http.Handler {
	if len(h.keys) > 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !httplimit.OwnHost(r.Host, h.Hosts) {
			refused(w, &fault{http.StatusForbidden, "",
				fmt.Sprintf("this server is not known as %.100q, and no API keys are set; name it with --host, or set keys", r.Host)})
			return
		}
		next.ServeHTTP(w, r)
	})
}

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
		own := (*fault)(nil)
		switch {
		case err == nil:
			return
		case errors.As(err, &own): // also where the body did not come in time, which ends the context
		case r.Context().Err() != nil: // the client left
			return
		default:
			h.Logger.Error("request", "method", r.Method, "path", r.URL.Path, "error", err)
			own = &fault{http.StatusInternalServerError, "", "the vectors could not be computed"}
		}
		refused(w, own)
	})
}

// refused answers a fault.
func refused(w http.ResponseWriter, f *fault) {
	kind := "invalid_request_error"
	if f.status >= 500 {
		kind = "server_error"
	}
	if f.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	answer(w, f.status, map[string]any{"error": map[string]any{"message": f.Error(), "type": kind,
		"param": orNil(f.field), "code": nil}})
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
		client := h.client(r)
		if h.requests.Take(client, 1) != nil {
			return &fault{http.StatusServiceUnavailable, "",
				fmt.Sprintf("as many requests are being worked on as there may be, %d in all and half of them of a client", h.Requests)}
		}
		defer h.requests.Give(client, 1)
		if r.ContentLength > h.MaxBody { // which is known before any of it is read
			w.Header().Set("Connection", "close")
			return h.checkBody(w, &http.MaxBytesError{Limit: h.MaxBody})
		}
		r.Body = h.bodies.Body(http.MaxBytesReader(w, r.Body, h.MaxBody), client)
		defer r.Body.Close()
		ctx, cancel := httplimit.HangUp(r.Context(), hangUpEvery)
		defer cancel()
		return f(w, r.WithContext(ctx))
	})
}

// client tells clients apart: by their key, or by their address.
func (h *Handler) client(r *http.Request) string {
	if len(h.keys) > 0 {
		return shownKey(r)
	}
	return httplimit.Address(r.RemoteAddr)
}

// turn calls f when it is the client's turn in a queue.
func (h *Handler) turn(ctx context.Context, q *httplimit.Queue, client string, f func() error) error {
	ticket, err := q.Join(client)
	if err != nil {
		return err
	}
	if err := ticket.Wait(ctx); err != nil {
		return err
	}
	defer ticket.Leave()
	return f()
}

// wasRead ends the deadline of a body, which would cut the computation short.
func wasRead(w http.ResponseWriter) {
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // a recorder has none
}

// checkBody returns the fault of a body that could not be read.
func (h *Handler) checkBody(w http.ResponseWriter, err error) error {
	w.Header().Set("Connection", "close") // nothing waits for the rest of it
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &fault{http.StatusRequestEntityTooLarge, "body", fmt.Sprintf("has more than %d bytes", h.MaxBody)}
	case errors.Is(err, httplimit.ErrNoRoom):
		return &fault{http.StatusServiceUnavailable, "", err.Error()}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &fault{http.StatusRequestTimeout, "body", fmt.Sprintf("did not come within %v", h.ReadTimeout)}
	}
	return refuse("body", "could not be read: %.200v", err)
}

// checkKey returns an error unless a key is shown that is one of ours.
func (h *Handler) checkKey(r *http.Request) error {
	if len(h.keys) == 0 {
		return nil
	}
	sum := sha256.Sum256([]byte(shownKey(r)))
	found := 0
	for _, k := range h.keys { // all of them, so that the time tells nothing
		found |= subtle.ConstantTimeCompare(k[:], sum[:])
	}
	if found == 0 {
		return &fault{http.StatusUnauthorized, "", "no valid API key was shown, want Authorization: Bearer KEY"}
	}
	return nil
}

// shownKey returns the key that a client shows.
func shownKey(r *http.Request) string {
	if scheme, key, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(key)
	}
	return r.Header.Get("X-API-Key")
}

// models lists the one model, as OpenAI lists its own.
func (h *Handler) models(w http.ResponseWriter, _ *http.Request) error {
	answer(w, http.StatusOK, openai.NewModels([]string{h.Name}, h.since))
	return nil
}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil { // a number that is not finite
		status, data = http.StatusInternalServerError,
			[]byte(`{"error":{"message":"the vectors are not finite","type":"server_error","param":null,"code":null}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(data, '\n')) // a client that left has no use for it
}
