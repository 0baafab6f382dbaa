package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/clip/serve"
)

func newClipServe() *cobra.Command {
	var model clipFlags
	var listen, keys string
	var o serve.Options
	var grace time.Duration
	cmd := &cobra.Command{
		Use:   "serve [-m MODEL]",
		Short: "Serve vectors over HTTP, as OpenAI's API and Immich's machine-learning service do",
		Long: `Serve vectors of texts and pictures by HTTP: /v1/embeddings as OpenAI has it, with pictures as data
URIs where modality is image, and /predict as the machine-learning service of Immich. Requests that
come at the same time are computed in batches.`,
		Args:    cobra.NoArgs,
		Example: `  easel clip serve -m clip-vit-base-patch32 --listen 0.0.0.0:3003`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if err := checkClipServe(o, grace); err != nil {
				return err
			}
			if o.APIKeys, err = readKeys(keys); err != nil {
				return err
			}
			m, closeModel, err := model.open()
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, closeModel()) }()
			o.Model = m
			if o.Name == "" {
				o.Name = filepath.Base(model.path) // not where a model of the Hugging Face cache lies
			}
			l, err := net.Listen("tcp", listen)
			if err != nil {
				return fmt.Errorf("--listen %s: %w", listen, err)
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			if a, ok := l.Addr().(*net.TCPAddr); ok && !a.IP.IsLoopback() && len(o.APIKeys) == 0 {
				log.Warn("anyone who reaches this address can ask: no API keys are set", "address", a)
			}
			o.Logger = log
			log.Info("serving", "url", "http://"+l.Addr().String(), "model", m.Path)
			return serveVectors(cmd.Context(), l, serve.New(o), grace)
		},
	}
	model.add(cmd)
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.1:3003", "address and port; 0.0.0.0:3003 listens on every address of this machine")
	flags.StringVar(&keys, "api-keys", "",
		"file of API keys, one a line; clients must send one of them (default: the key in $"+apiKeyVariable+", or none)")
	flags.StringVar(&o.Name, "name", "", "what the model is called in answers (default: the name of its folder)")
	flags.Int64Var(&o.MaxBody, "max-body", 64<<20, "largest request in bytes")
	flags.Int64Var(&o.Bodies, "bodies", 256<<20,
		"most bytes of all requests at once, and half of that for one client; further ones are answered 503")
	flags.IntVar(&o.Requests, "requests", 256,
		"requests worked on at once, and half of that for one client; further ones are answered 503")
	clientLimits{&o.Connections, &o.ConnectionsPerClient, &o.ReadTimeout, &o.WriteTimeout, &o.Hosts}.add(flags)
	flags.DurationVar(&grace, "grace", 30*time.Second, "how long accepted requests may take after SIGTERM")
	return cmd
}

// checkClipServe returns an error for a flag that is out of its range.
func checkClipServe(o serve.Options, grace time.Duration) error {
	if err := positive([]flagValue[int64]{
		{"max-body", o.MaxBody}, {"bodies", o.Bodies}, {"requests", int64(o.Requests)}, {"connections", int64(o.Connections)},
		{"connections-per-client", int64(o.ConnectionsPerClient)},
	}...); err != nil {
		return err
	}
	return durations(grace, []flagValue[time.Duration]{{"read-timeout", o.ReadTimeout}, {"write-timeout", o.WriteTimeout}}...)
}

// serveVectors answers until ctx ends, and then lets accepted requests end.
func serveVectors(ctx context.Context, l net.Listener, h *serve.Handler, grace time.Duration) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := h.HTTPServer()
	server.BaseContext = func(net.Listener) context.Context { return base }
	if err := serveHTTP(ctx, server, l); err != nil {
		return err
	}
	late, done := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer done()
	err := server.Shutdown(late)
	if errors.Is(err, context.DeadlineExceeded) {
		cancel() // what computes stops, and then its answer
		ended, done := context.WithTimeout(context.WithoutCancel(ctx), letGo)
		defer done()
		err = server.Shutdown(ended)
	}
	return err
}
