package sdxl_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

func smallest(t *testing.T) *sdxl.Pipeline {
	b := cpu.New(cpu.Options{})
	t.Cleanup(func() { b.Close() })
	return sdxl.NewPipeline(open(t, golden.Path("c", "model"), sdxl.OpenOptions{}), b, sdxl.PipelineOptions{})
}

// TestMostCalls: as many runs of the network as there may be are made, and one
// more is refused before the first.
func TestMostCalls(t *testing.T) {
	pipe := smallest(t)
	for name, c := range map[string]struct {
		o     sdxl.Options
		calls int
	}{
		"unguided":   {sdxl.Options{CFG: new(1.0)}, 4},
		"guided":     {sdxl.Options{}, 8},
		"heun":       {sdxl.Options{Sampler: "heun", CFG: new(1.0)}, 7},
		"clauses":    {sdxl.Options{Prompt: "a AND b AND c", PromptSyntax: "a1111"}, 16},
		"pag":        {sdxl.Options{PAG: &sdxl.PAG{Scale: 3}}, 12},
		"restart":    {sdxl.Options{Sampler: "restart", CFG: new(1.0), Sigmas: []float64{14, 5, 2, 0.1, 0}, Noising: sdxl.Noising{Restart: &sched.Restart{Min: 0.1, Max: 5, Steps: 3, Times: 2}}}, 19},
		"two steps":  {sdxl.Options{Steps: new(2)}, 4},
		"half of it": {sdxl.Options{SkipEnd: 0.5}, 4},
	} {
		steps, width := 0, 64
		c.o.Width, c.o.Height, c.o.Seed = width, width, new(int64(1))
		if c.o.Prompt == "" {
			c.o.Prompt = "a"
		}
		if c.o.Steps == nil {
			c.o.Steps = new(4)
		}
		c.o.Progress = func(sdxl.Progress) { steps++ }
		c.o.MostCalls = c.calls
		_, err := pipe.Generate(t.Context(), c.o)
		require.NoError(t, err, name)
		require.Positive(t, steps)
		steps, c.o.MostCalls = 0, c.calls-1
		_, err = pipe.Generate(t.Context(), c.o)
		require.ErrorContains(t, err, "want no more", name)
		require.Zero(t, steps, "%s: refused before it is begun", name)
	}
}

// TestAdaptiveCalls: what can't be counted before ends when it is over.
func TestAdaptiveCalls(t *testing.T) {
	pipe := smallest(t)
	o := sdxl.Options{Prompt: "a", Sampler: "dpm_adaptive", CFG: new(1.0), Steps: new(4), Width: 64, Height: 64, Seed: new(int64(1)),
		Noising: sdxl.Noising{Eta: new(1.0), SNoise: new(10.0)}, MostCalls: 400}
	_, err := pipe.Generate(t.Context(), o)
	if err != nil {
		var fault *sdxl.FieldError
		require.ErrorAs(t, err, &fault)
		require.Equal(t, "steps", fault.Field)
	}
}

// TestBoundsOfPrompts: what a prompt may be in all, and one more.
func TestBoundsOfPrompts(t *testing.T) {
	pipe := smallest(t)
	clauses := func(n int) string { return "a" + strings.Repeat(" AND a", n-1) }
	chunks := func(n int) string { return "a" + strings.Repeat(" BREAK a", n-1) }
	for name, c := range map[string]struct {
		o    sdxl.Options
		want string // "" is no error
	}{
		"32 clauses":           {sdxl.Options{Prompt: clauses(32)}, ""},
		"33 clauses":           {sdxl.Options{Prompt: clauses(33)}, "prompt has 33 clauses with AND between them, want at most 32"},
		"16 and 256 chunks":    {sdxl.Options{Prompt: chunks(16), Negative: new(chunks(256))}, ""},
		"257 chunks":           {sdxl.Options{Prompt: chunks(257)}, "prompt has a text of 257 chunks of 77 tokens"},
		"13 and 19 chunks":     {sdxl.Options{Prompt: chunks(13), Negative: new(chunks(19))}, ""},
		"13 and 23 chunks":     {sdxl.Options{Prompt: chunks(13), Negative: new(chunks(23))}, "make them shorter or of like length"},
		"a weight that is Inf": {sdxl.Options{Prompt: "(a:" + strings.Repeat("9", 60) + ")"}, "prompt has weights that multiply to +Inf"},
		"a clause of 1e39":     {sdxl.Options{Prompt: "a AND b:1" + strings.Repeat("0", 39)}, "a clause of weight 1e+39"},
	} {
		c.o.PromptSyntax, c.o.Width, c.o.Height, c.o.Steps = "a1111", 64, 64, new(1)
		_, err := pipe.Generate(t.Context(), c.o)
		if c.want == "" {
			require.NoError(t, err, name)
			continue
		}
		require.ErrorContains(t, err, c.want, name)
		var fault *sdxl.FieldError
		require.True(t, errors.As(err, &fault) && fault.Field == "prompt", name)
	}
}

// TestNoNumbersAreAnError that says so, of the kind that a server can tell from
// a fault of its own.
func TestNoNumbersAreAnError(t *testing.T) {
	o := sdxl.Options{Prompt: "a", CFG: new(1e38), Steps: new(3), Width: 64, Height: 64}
	_, err := smallest(t).Generate(t.Context(), o)
	require.ErrorIs(t, err, sched.ErrNotFinite)
}
