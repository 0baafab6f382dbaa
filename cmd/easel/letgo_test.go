package main

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/serve"
)

// stubborn is a backend whose runs take a while, whatever their context says.
type stubborn struct {
	nn.Backend
	lasts   time.Duration
	running atomic.Int32
}

func (s *stubborn) Compile(ctx context.Context, p *nn.Program, opts nn.CompileOptions) (nn.Executable, error) {
	exe, err := s.Backend.Compile(ctx, p, opts)
	return stubbornRuns{exe, s}, err
}

type stubbornRuns struct {
	nn.Executable
	of *stubborn
}

func (r stubbornRuns) Run(ctx context.Context, dst, src []nn.Memory) error {
	r.of.running.Add(1)
	defer r.of.running.Add(-1)
	time.Sleep(r.of.lasts)
	return r.Executable.Run(ctx, dst, src)
}

// TestCancelledWorkLetsGo: the server ends after work that was cancelled has
// let go of the model, which is closed then; it reports work that does not let
// go.
func TestCancelledWorkLetsGo(t *testing.T) {
	m, err := sdxl.Open(model("c"), sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{Threads: 1})
	defer b.Close()
	for _, c := range []struct {
		lasts time.Duration
		err   error
	}{{200 * time.Millisecond, nil}, {3 * letGo, errStuck}} {
		slow := &stubborn{Backend: b, lasts: c.lasts}
		log := slog.New(slog.NewTextHandler(io.Discard, nil))
		s := serve.New(serve.Options{Pipeline: sdxl.NewPipeline(m, slow, sdxl.PipelineOptions{}), Logger: log})
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- serveUntil(ctx, l, s, 0, log) }()
		go func() {
			_, _, _ = post("http://"+l.Addr().String()+"/predict", `{"text_prompts":[{"text":"a"}],"steps":150,"width":64,"height":64}`)
		}()
		require.Eventually(t, func() bool { return slow.running.Load() > 0 }, time.Minute, time.Millisecond)
		cancel()
		require.ErrorIs(t, <-ended, c.err)
		if c.err == nil {
			require.Zero(t, slow.running.Load(), "the model is in use")
		}
		s.Wait()
	}
}
