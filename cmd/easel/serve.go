package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
	"github.com/df65613c/easel/sdxl/serve"
)

// apiKeyVariable holds an API key where --api-keys names no file.
const apiKeyVariable = "EASEL_API_KEY"

// serveFlags are the flags of easel serve.
type serveFlags struct {
	model    modelFlags
	styles   stylesFlag
	options  serve.Options
	listen   string
	metrics  string
	keys     string
	grace    time.Duration
	debug    bool
	memory   bytesFlag
	picture  bytesFlag
	adapters adapterFlags
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve pictures, text embeddings and a web page over HTTP",
		Long: `Serve pictures and text embeddings over HTTP in the form of Stability's v1 API, SageMaker and
OpenAI's embeddings API, and a web page. docs/api.md has the details. After SIGTERM or SIGINT the
server refuses new requests and gives those accepted --grace to finish; a second signal ends it at
once.`,
		Args:    cobra.NoArgs,
		Example: `  easel serve -m sdxl-base --listen 127.0.0.1:8080`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.add(cmd)
	f.model.dtype.add(cmd)
	f.model.device.add(cmd)
	f.model.addSpill(cmd)
	f.adapters.addDir(cmd)
	flags, o := cmd.Flags(), &f.options
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address and port; 0.0.0.0:8080 listens on every address of this machine")
	flags.StringVar(&f.keys, "api-keys", "",
		"file of API keys, one a line; clients must send one of them (default: the key in $"+apiKeyVariable+", or none)")
	flags.Var(&f.styles, "styles", "JSON file of style presets (default: those in the program)")
	flags.StringSliceVar(&o.Engines, "engine", []string{serve.DefaultEngine}, "names of the model in paths")
	flags.IntVar(&o.Workers, "workers", 1, "requests worked on at once; they share the threads")
	flags.IntVar(&o.Queue, "queue", 8, "requests of one client that may wait; further ones are answered 429")
	flags.IntVar(&o.QueueAll, "queue-all", 64, "requests of all clients that may wait")
	clientLimits{&o.Connections, &o.ConnectionsPerClient, &o.ReadTimeout, &o.WriteTimeout, &o.Hosts}.add(flags)
	flags.StringSliceVar(&o.Origins, "cors-origin", nil,
		"other sites whose pages may use this server, such as https://example.com; * allows all")
	flags.StringVar(&f.metrics, "metrics-listen", "",
		"separate address and port for /metrics, without a key (default: with the other routes, with a key)")
	flags.Int64Var(&o.MaxBody, "max-body", 32<<20, "largest request in bytes")
	flags.IntVar(&o.Limits.Pixels, "max-pixels", 4<<20, "most pixels of a picture")
	flags.IntVar(&o.Limits.Steps, "max-steps", 150, "most steps of a picture")
	flags.IntVar(&o.Limits.Samples, "max-samples", 10, "most pictures of a request")
	flags.IntVar(&o.Limits.Calls, "max-calls", 0,
		"runs of the network for a picture, each side of guidance counted (default: 16 for each step of --max-steps)")
	flags.IntVar(&o.MaxPreviews, "max-previews", 100, "previews of a request, each of which is decoded")
	f.picture = bytesFlag{request.DefaultPictureMemory, "512MiB"}
	flags.Var(&f.picture, "max-picture-memory",
		"memory for decoding a picture to start from; progressive JPEGs take up to 20 bytes a pixel, others mostly 8")
	flags.DurationVar(&f.grace, "grace", 30*time.Second, "how long accepted requests may take after SIGTERM")
	flags.Var(&f.memory, "memory", "memory for a request, in addition to the model's file, such as 2GiB (default: no limit)")
	flags.BoolVar(&f.debug, "debug", false, "log health checks and metrics requests too")
	return cmd
}

func (f *serveFlags) run(cmd *cobra.Command) (err error) {
	o := f.options
	if err := f.check(); err != nil {
		return err
	}
	level := slog.LevelInfo
	if f.debug {
		level = slog.LevelDebug
	}
	o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	o.Styles, o.Limits.PictureMemory = f.styles.Styles, f.picture.n
	if o.APIKeys, err = readKeys(f.keys); err != nil {
		return err
	}
	pipe, closePipe, err := f.model.pipeline(cmd, sdxl.AllParts,
		sdxl.PipelineOptions{Memory: f.memory.n, Adapters: &f.adapters.library, Embeddings: &f.adapters.words})
	if err != nil {
		return err
	}
	defer func() {
		if !errors.Is(err, errStuck) { // else what goes on reads the model
			err = errors.Join(err, closePipe())
		}
	}()
	o.Pipeline = pipe
	if err := checkMemory(cmd.Context(), o.Pipeline); err != nil {
		return err
	}
	o.HideMetrics = f.metrics != ""
	server := serve.New(o)
	if f.metrics != "" {
		stop, err := serveMetrics(f.metrics, server, o.Logger)
		if err != nil {
			return err
		}
		defer stop()
	}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", f.listen, err)
	}
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() && len(o.APIKeys) == 0 {
		o.Logger.Warn("anyone who reaches this address can draw: no API keys are set", "address", a)
	}
	o.Logger.Info("serving", "url", "http://"+listener.Addr().String(), "model", pipe.Model().Path)
	return serveUntil(cmd.Context(), listener, server, f.grace, o.Logger)
}

// check returns an error for a flag that is out of its range.
func (f *serveFlags) check() error {
	o := &f.options
	if err := positive([]flagValue[int64]{
		{"workers", int64(o.Workers)}, {"queue", int64(o.Queue)}, {"queue-all", int64(o.QueueAll)}, {"max-body", o.MaxBody},
		{"max-pixels", int64(o.Limits.Pixels)}, {"max-steps", int64(o.Limits.Steps)}, {"max-samples", int64(o.Limits.Samples)},
		{"max-previews", int64(o.MaxPreviews)},
		{"connections", int64(o.Connections)}, {"connections-per-client", int64(o.ConnectionsPerClient)},
	}...); err != nil {
		return err
	}
	if o.Limits.Calls < 0 {
		return fmt.Errorf("--max-calls is %d, want 0 or more", o.Limits.Calls)
	}
	if err := durations(f.grace,
		[]flagValue[time.Duration]{{"read-timeout", o.ReadTimeout}, {"write-timeout", o.WriteTimeout}}...); err != nil {
		return err
	}
	for _, origin := range o.Origins {
		if err := serve.CheckOrigin(origin); err != nil {
			return fmt.Errorf("--cors-origin %s: want a scheme and a host, such as https://example.com: %w", origin, err)
		}
	}
	return nil
}

// flagValue is a flag and what it was set to.
type flagValue[T any] struct {
	flag string
	is   T
}

// positive returns an error for the first flag that is not.
func positive(flags ...flagValue[int64]) error {
	for _, v := range flags {
		if v.is < 1 {
			return fmt.Errorf("--%s is %d, want 1 or more", v.flag, v.is)
		}
	}
	return nil
}

// durations is positive for times; the time of grace may be 0.
func durations(grace time.Duration, flags ...flagValue[time.Duration]) error {
	for _, v := range flags {
		if v.is <= 0 {
			return fmt.Errorf("--%s is %v, want more than 0, such as 30s", v.flag, v.is)
		}
	}
	if grace < 0 {
		return fmt.Errorf("--grace is %v, want 0 or more", grace)
	}
	return nil
}

// serveMetrics serves them alone, until the returned function is called.
func serveMetrics(address string, s *serve.Server, log *slog.Logger) (stop func(), err error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--metrics-listen %s: %w", address, err)
	}
	const timeout = 10 * time.Second
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", s.Metrics())
	server := &http.Server{Handler: mux, ReadTimeout: timeout, WriteTimeout: timeout, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics", "error", err)
		}
	}()
	log.Info("serving metrics", "url", "http://"+listener.Addr().String()+"/metrics")
	return func() { server.Close() }, nil
}

var errStuck = errors.New("work that was cancelled does not end; the program ends without it")

// letGo is how long cancelled work has to let go of the model.
const letGo = time.Second

// serveUntil serves until ctx ends, then lets accepted requests end within the
// grace time and cancels the rest.
func serveUntil(ctx context.Context, l net.Listener, s *serve.Server, grace time.Duration, log *slog.Logger) error {
	server := s.HTTPServer()
	if err := serveHTTP(ctx, server, l); err != nil {
		return err
	}
	log.Info("draining", "grace", grace)
	s.Drain()
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := server.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		log.Warn("cancelled what did not end within the grace time")
		err = server.Close()
	}
	idle := make(chan struct{})
	go func() { s.Wait(); close(idle) }()
	select {
	case <-idle:
		return err
	case <-time.After(letGo):
		return errStuck
	}
}

// serveHTTP answers on l until ctx ends. It returns why it could not, or nil; the
// server then still runs.
func serveHTTP(ctx context.Context, server *http.Server, l net.Listener) error {
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// readKeys reads API keys from a file, or the one in the environment.
func readKeys(path string) ([]string, error) {
	if path == "" {
		if key := strings.TrimSpace(os.Getenv(apiKeyVariable)); key != "" {
			return []string{key}, nil
		}
		return nil, nil
	}
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var keys []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if key := strings.TrimSpace(lines.Text()); key != "" {
			keys = append(keys, key)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if keys == nil {
		return nil, fmt.Errorf("%s: no keys in it, want one a line", path)
	}
	return keys, nil
}
