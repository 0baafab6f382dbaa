//go:build !nodemo

package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/bench/report"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/serve"
)

// benchServer is a server in this program, for benchmarks that are its clients.
type benchServer struct {
	url         string
	environment report.Environment
	stop        func()
}

// startBenchServer serves the model on a port of its own until stop is called.
func startBenchServer(cmd *cobra.Command, model *modelFlags, o serve.Options) (*benchServer, error) {
	pipe, closePipe, err := model.pipeline(cmd, sdxl.AllParts, sdxl.PipelineOptions{})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, closePipe())
	}
	o.Pipeline, o.Logger = pipe, slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(cmd.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- serveUntil(ctx, listener, serve.New(o), time.Second, o.Logger) }()
	return &benchServer{
		url:         "http://" + listener.Addr().String(),
		environment: report.NewEnvironment(pipe.Backend().Name(), cmp.Or(model.threads, runtime.GOMAXPROCS(0))),
		stop: func() {
			cancel()
			if <-stopped == nil { // else work goes on that reads the model
				closePipe()
			}
		},
	}, nil
}
