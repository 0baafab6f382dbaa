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
	"github.com/df65613c/easel/sdxl/serve"
)

// apiKeyVariable holds an API key where --api-keys names no file.
const apiKeyVariable = "EASEL_API_KEY"

// serveFlags are the flags of easel serve.
type serveFlags struct {
	model   modelFlags
	styles  stylesFlag
	options serve.Options
	listen  string
	keys    string
	grace   time.Duration
	debug   bool
	memory  bytesFlag
}

func newServe() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve pictures and text embeddings by HTTP, and a web page",
		Long: `Serve pictures and text embeddings by HTTP in the forms of Stability's v1 API, SageMaker and OpenAI's embeddings API, and a
web page. docs/api.md tells more. SIGTERM and SIGINT refuse new requests and let those accepted end, for --grace at most.`,
		Args:    cobra.NoArgs,
		Example: `  easel serve -m sdxl-base --listen 127.0.0.1:8080`,
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.model.add(cmd)
	f.model.dtype.add(cmd)
	flags, o := cmd.Flags(), &f.options
	flags.StringVar(&f.listen, "listen", "127.0.0.1:8080", "address and port; 0.0.0.0:8080 is every address of this machine")
	flags.StringVar(&f.keys, "api-keys", "", "file of API keys, one a line, that clients must show one of (default: that in $"+apiKeyVariable+", or none)")
	flags.Var(&f.styles, "styles", "JSON file of style presets (default: those in the program)")
	flags.StringSliceVar(&o.Engines, "engine", []string{serve.DefaultEngine}, "names of the model in paths")
	flags.IntVar(&o.Workers, "workers", 1, "requests worked on at once, which share the threads")
	flags.IntVar(&o.Queue, "queue", 8, "requests that wait beside; more are answered 429")
	flags.Int64Var(&o.MaxBody, "max-body", 32<<20, "bytes of a request")
	flags.IntVar(&o.Limits.Pixels, "max-pixels", 4<<20, "pixels of a picture")
	flags.IntVar(&o.Limits.Steps, "max-steps", 150, "steps of a picture")
	flags.IntVar(&o.Limits.Samples, "max-samples", 10, "pictures of a request")
	flags.DurationVar(&f.grace, "grace", 30*time.Second, "how long to let accepted requests end after SIGTERM")
	flags.Var(&f.memory, "memory", "memory for a request, beside the model's file, such as 2GiB (default: what is needed)")
	flags.BoolVar(&f.debug, "debug", false, "log probes too")
	return cmd
}

func (f *serveFlags) run(cmd *cobra.Command) error {
	o := f.options
	for name, v := range map[string]int64{"workers": int64(o.Workers), "queue": int64(o.Queue), "max-body": o.MaxBody,
		"max-pixels": int64(o.Limits.Pixels), "max-steps": int64(o.Limits.Steps), "max-samples": int64(o.Limits.Samples)} {
		if v < 1 {
			return fmt.Errorf("--%s is %d, want 1 or more", name, v)
		}
	}
	level := slog.LevelInfo
	if f.debug {
		level = slog.LevelDebug
	}
	o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
	o.Styles = f.styles.Styles
	var err error
	if o.APIKeys, err = readKeys(f.keys); err != nil {
		return err
	}
	m, err := f.model.open(cmd.ErrOrStderr(), sdxl.AllParts)
	if err != nil {
		return err
	}
	defer m.Close()
	f.memory.apply()
	backend := f.model.backend()
	defer backend.Close()
	o.Pipeline = &sdxl.Pipeline{Model: m, Backend: backend, Memory: f.memory.n}
	listener, err := net.Listen("tcp", f.listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", f.listen, err)
	}
	if a, ok := listener.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() && len(o.APIKeys) == 0 {
		o.Logger.Warn("anyone who reaches this address can draw: no API keys are set", "address", a)
	}
	o.Logger.Info("serving", "url", "http://"+listener.Addr().String(), "model", m.Path)
	return serveUntil(cmd.Context(), listener, serve.New(o), f.grace, o.Logger)
}

// serveUntil serves until ctx ends, then lets accepted requests end within the
// grace time and cancels the rest.
func serveUntil(ctx context.Context, l net.Listener, s *serve.Server, grace time.Duration, log *slog.Logger) error {
	const headerTimeout, idleTimeout = 10 * time.Second, 2 * time.Minute
	server := &http.Server{Handler: s, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
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
	s.Wait() // for work that was cancelled to let go of the model
	return err
}

// readKeys reads API keys from a file, or the one in the environment.
func readKeys(path string) ([]string, error) {
	if path == "" {
		if key := os.Getenv(apiKeyVariable); key != "" {
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
