// Package serve answers HTTP requests for pictures and text embeddings as
// Stability's v1 REST API, SageMaker and OpenAI's embeddings API do. A Server is
// an http.Handler that a program mounts, or runs as easel serve does.
// docs/api.md and openapi.json describe what it answers.
package serve

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/df65613c/easel/sdxl"
)

// Options adjust a Server. Only Pipeline must be given.
type Options struct {
	Pipeline *sdxl.Pipeline
	Engines  []string // names of the model in paths; nil is DefaultEngine alone
	Styles   sdxl.Styles
	Limits   sdxl.Limits
	MaxBody  int64 // bytes of a request; 0 is 32 MiB

	Workers int // pictures made at once, which share the threads; 0 is 1
	Queue   int // requests that wait beside; 0 is 8
	// APIKeys, if any, are what clients must show one of. They tell clients
	// apart too; without, the address does.
	APIKeys []string
	Logger  *slog.Logger // nil is slog.Default
}

// DefaultEngine is the name that Stability's API has for SDXL 1.0.
const DefaultEngine = "stable-diffusion-xl-1024-v1-0"

const (
	defaultQueue   = 8
	defaultMaxBody = 32 << 20
	bodyTimeout    = 30 * time.Second
)

// Server is the handler.
type Server struct {
	Options
	model   model
	handler http.Handler
	queue   *queue
	keys    keys
	metrics *metrics
	// reading bounds the requests whose bodies are read at once, and with them memory.
	reading chan struct{}
}

// New returns a server.
func New(o Options) *Server { return newServer(o, pipelineModel{o.Pipeline}) }

func newServer(o Options, m model) *Server {
	if o.Engines == nil {
		o.Engines = []string{DefaultEngine}
	}
	if o.Styles == nil {
		o.Styles = sdxl.DefaultStyles()
	}
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	o.Workers = max(o.Workers, 1)
	if o.Queue <= 0 {
		o.Queue = defaultQueue
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	s := &Server{Options: o, model: m, queue: newQueue(o.Workers, o.Queue), keys: newKeys(o.APIKeys), reading: make(chan struct{}, o.Workers+o.Queue)}
	s.metrics = newMetrics(s.queue)
	s.handler = s.routes()
	return s
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, h http.Handler) { mux.Handle(pattern, s.observe(pattern, h)) }
	guarded := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		handle(pattern, s.guard(h))
	}
	guarded("POST /invocations", s.predict(anyPicture))
	guarded("POST /predict", s.predict(anyPicture))
	guarded("POST /v1/generation/{engine}/text-to-image", s.predict(noPicture))
	guarded("POST /v1/generation/{engine}/image-to-image", s.predict(needsPicture))
	guarded("POST /v1/embeddings", s.embeddings)
	guarded("GET /v1/engines/list", s.listEngines)
	guarded("GET /v1/styles/list", s.listStyles)
	for _, path := range []string{"GET /ping", "GET /healthz"} {
		handle(path, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") }))
	}
	handle("GET /readyz", http.HandlerFunc(s.ready))
	handle("GET /metrics", s.metrics.handler())
	handle("GET /", page())
	// A page of another site must not make a browser on this machine draw.
	return http.NewCrossOriginProtection().Handler(mux)
}

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// Drain refuses new work, which the readiness probe tells; what was accepted goes on.
func (s *Server) Drain() { s.queue.close() }

// Wait returns when no job runs. After Drain the pipeline may be closed then.
func (s *Server) Wait() { s.queue.wait() }

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if _, _, open := s.queue.load(); !open {
		writeText(w, http.StatusServiceUnavailable, "draining\n")
		return
	}
	writeText(w, http.StatusOK, "ready\n")
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // a client that left has no use for it
}
