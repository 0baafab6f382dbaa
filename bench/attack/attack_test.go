package attack

import (
	"log/slog"
	"net/http/httptest"
	"os"
	"regexp"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/demo"
	"github.com/df65613c/easel/sdxl/serve"
)

func start(t *testing.T, o serve.Options) string {
	m, err := demo.Open(sdxl.OpenOptions{})
	require.NoError(t, err)
	b := cpu.New(cpu.Options{})
	o.Pipeline, o.Logger = sdxl.NewPipeline(m, b, sdxl.PipelineOptions{}), slog.New(slog.DiscardHandler)
	s := serve.New(o)
	server := httptest.NewUnstartedServer(nil)
	server.Config = s.HTTPServer()
	server.Start()
	t.Cleanup(func() { server.Close(); s.Wait(); b.Close(); m.Close() })
	return server.URL
}

// good is an address of its own where the system has more than one.
func good() string {
	if runtime.GOOS == "linux" {
		return "127.0.0.2"
	}
	return ""
}

// TestAttacks tries all kinds. Times depend on the machine, and are not held to
// more than that an attack ends; easel bench attack reports them.
func TestAttacks(t *testing.T) {
	limits := DefaultLimits
	limits.Time, limits.Wait = time.Minute, time.Minute
	p := Plan{URL: start(t, serve.Options{}), Good: good(), Limits: limits, Stall: 200 * time.Millisecond, Settle: runtime.GC}
	kinds := Kinds(20)
	require.GreaterOrEqual(t, len(kinds), 60)
	if only := os.Getenv("EASEL_ATTACK_ONLY"); only != "" {
		kinds = slices.DeleteFunc(kinds, func(k Kind) bool { return !regexp.MustCompile(only).MatchString(k.Name) })
	}
	_, err := Run(t.Context(), p, kinds, func(r Result) {
		t.Logf("%-45s %d %6.2f s %8d bytes %4d MiB, good %5.2f s", r.Name, r.Status, r.Time, r.Answer, r.Memory>>20, r.Good.Max)
		if r.Fault != nil {
			t.Errorf("%s: %v", r.Name, r.Fault)
		}
	})
	require.NoError(t, err)
}
