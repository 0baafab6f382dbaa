// Package serve answers HTTP requests for pictures and text embeddings as
// Stability's v1 REST API, SageMaker and OpenAI's embeddings API do. A Server is
// an http.Handler that a program mounts, or runs as easel serve does.
// docs/api.md and openapi.json describe what it answers.
package serve

import (
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/df65613c/easel/internal/httplimit"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// Options adjust a Server. Only Pipeline must be given.
type Options struct {
	Pipeline *sdxl.Pipeline
	Engines  []string // names of the model in paths; nil is DefaultEngine alone
	Styles   request.Styles
	Limits   request.Limits
	MaxBody  int64 // bytes of a request; 0 is 32 MiB
	// MaxPreviews bounds the previews of a request, each of which is decoded; 0 is 100.
	MaxPreviews int

	Workers  int // pictures made at once, which share the threads; 0 is 1
	Queue    int // requests of a client that wait beside; 0 is 8
	QueueAll int // requests that wait in all; 0 is eight times Queue
	// ReadTimeout bounds how long a body may take, and WriteTimeout how long the
	// client may let an answer wait; 0 is 30 s.
	ReadTimeout, WriteTimeout time.Duration
	// Connections and ConnectionsPerClient bound the connections of HTTPServer;
	// 0 is 4096 and 1024.
	Connections, ConnectionsPerClient int

	// APIKeys, if any, are what clients must show one of. They tell clients
	// apart too; without, the address does.
	APIKeys []string
	// Hosts are names of this server with a dot in them. Without APIKeys it
	// answers to no others, and to addresses.
	Hosts []string
	// Origins are other sites, as https://example.com, whose pages may ask; "*"
	// is all.
	Origins []string
	// HideMetrics leaves out the route /metrics, which Metrics serves elsewhere.
	// It wants a key where there are any.
	HideMetrics bool
	Logger      *slog.Logger // nil is slog.Default
}

// DefaultEngine is the name that Stability's API has for SDXL 1.0.
const DefaultEngine = "stable-diffusion-xl-1024-v1-0"

const (
	defaultQueue    = 8
	defaultShares   = 8 // clients whose queues may be full at once
	defaultMaxBody  = 32 << 20
	defaultPreviews = 100
	defaultTimeout  = 30 * time.Second

	defaultConnections          = 4096
	defaultConnectionsPerClient = 1024

	aliveEvery  = 15 * time.Second // before the idle time-outs of usual proxies
	hangupEvery = time.Second
)

// Server is the handler.
type Server struct {
	options Options // as they were given to New
	model   model
	handler http.Handler
	queue   *httplimit.Queue
	keys    keys
	metrics *metrics
	bodies  *httplimit.Budget
	since   time.Time

	aliveEvery, hangupEvery time.Duration
}

// New returns a server.
func New(o Options) *Server { return newServer(o, newPipelineModel(o.Pipeline)) }

func newServer(o Options, m model) *Server {
	if len(o.Engines) == 0 {
		o.Engines = []string{DefaultEngine}
	}
	if o.Styles == nil {
		o.Styles = request.DefaultStyles()
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	o.Workers = max(o.Workers, 1)
	standard(&o.MaxBody, defaultMaxBody)
	standard(&o.Queue, defaultQueue)
	standard(&o.MaxPreviews, defaultPreviews)
	standard(&o.QueueAll, defaultShares*o.Queue)
	standard(&o.ReadTimeout, defaultTimeout)
	standard(&o.WriteTimeout, defaultTimeout)
	standard(&o.Connections, defaultConnections)
	standard(&o.ConnectionsPerClient, defaultConnectionsPerClient)
	s := &Server{
		options: o, model: m, queue: httplimit.NewQueue(o.Workers, o.Queue, o.QueueAll), keys: newKeys(o.APIKeys),
		bodies: httplimit.NewBudget(int64(o.Workers+o.Queue)*o.MaxBody, o.MaxBody), since: time.Now(), aliveEvery: aliveEvery,
		hangupEvery: hangupEvery,
	}
	s.metrics = newMetrics(s.queue)
	s.handler = s.observe(s.checkHost(s.checkOrigin(s.routes())))
	return s
}

// standard sets what is not given.
func standard[T int | int64 | time.Duration](v *T, to T) {
	if *v <= 0 {
		*v = to
	}
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	guarded := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, s.guard(h))
	}
	work := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		guarded(pattern, s.withBody(h))
	}
	work("POST /invocations", s.predict(anyPicture))
	work("POST /predict", s.predict(anyPicture))
	work("POST /v1/generation/{engine}/text-to-image", s.predict(noPicture))
	work("POST /v1/generation/{engine}/image-to-image", s.predict(needsPicture))
	work("POST /v1/embeddings", s.embeddings)
	guarded("GET /v1/engines/list", s.listEngines)
	guarded("GET /v1/styles/list", s.listStyles)
	guarded("GET /v1/models", s.listModels)
	guarded("GET /v1/models/{model}", s.showModel)
	for _, path := range []string{"GET /ping", "GET /healthz"} {
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok\n") })
	}
	mux.HandleFunc("GET /readyz", s.ready)
	if !s.options.HideMetrics {
		guarded("GET /metrics", func(w http.ResponseWriter, r *http.Request) error {
			s.metrics.ServeHTTP(w, r)
			return nil
		})
	}
	addPage(mux)
	return s.unrouted(mux)
}

// unrouted answers what no route takes in the form of all faults.
func (s *Server) unrouted(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		refusal := refusal{header: make(http.Header)}
		h.ServeHTTP(&refusal, r)
		if refusal.status == http.StatusMethodNotAllowed {
			allow := refusal.header.Get("Allow")
			s.fail(w, r, &fault{status: refusal.status, allow: allow, Name: "method_not_allowed",
				Message: fmt.Sprintf("the method is %.20q, want %s", r.Method, allow)})
			return
		}
		s.fail(w, r, &fault{status: http.StatusNotFound, Name: "not_found",
			Message: fmt.Sprintf("no route %.100q; / and /openapi.json tell which there are", r.URL.Path)})
	})
}

// refusal takes what a mux answers to what it has no route for.
type refusal struct {
	header http.Header
	status int
}

func (r *refusal) Header() http.Header         { return r.header }
func (r *refusal) Write(b []byte) (int, error) { return len(b), nil }
func (r *refusal) WriteHeader(status int)      { r.status = status }

// Metrics serves what /metrics shows, without a key.
func (s *Server) Metrics() http.Handler { return s.metrics }

// ServeHTTP answers a request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) }

// HTTPServer returns a server of the handler, which bounds the time and size of
// headers and the number of connections, and notices clients that leave.
func (s *Server) HTTPServer() *http.Server {
	server := httplimit.NewServer(s, s.options.Connections, s.options.ConnectionsPerClient)
	server.ErrorLog = slog.NewLogLogger(s.options.Logger.Handler(), slog.LevelDebug)
	return server
}

// Drain refuses new work, which the readiness probe tells; what was accepted goes on.
func (s *Server) Drain() { s.queue.Close() }

// Wait returns when no job runs. After Drain the pipeline may be closed then.
func (s *Server) Wait() { s.queue.Wait() }

func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	if _, _, open := s.queue.Load(); !open {
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
