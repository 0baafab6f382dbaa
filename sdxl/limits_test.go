package sdxl

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/tensor"
)

// TestKeptCountsAsMemory: what the UNet computes ahead of its steps and what it
// takes in each are within the limit together.
func TestKeptCountsAsMemory(t *testing.T) {
	m, err := Open(golden.Path("a", "model"), OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{Threads: 2})
	defer b.Close()
	ahead := make(map[bool]bool)
	for memory := int64(49 << 20); memory < 58<<20; memory += 1 << 18 {
		for _, cache := range []string{"", "deepcache:2"} {
			stages, err := NewPipeline(m, b, PipelineOptions{Memory: memory}).Plan(t.Context(), Options{Prompt: "a", Steps: new(2), Width: 64, Height: 64, Batch: new(2), Cache: cache})
			if err != nil {
				continue // it is too little
			}
			total := int64(0)
			for _, s := range stages {
				if strings.HasPrefix(s.Name, "unet") {
					total += s.Footprint.Total() + s.Kept
					ahead[s.Kept > 0] = true
				}
			}
			require.Positive(t, total)
			require.LessOrEqual(t, total, networkMemory(memory, 0), "%d bytes %s", memory, cache)
		}
	}
	require.Len(t, ahead, 2, "with much memory something is computed ahead, and with little nothing")
}

// runCounter is a backend that counts the runs of what it compiles, in order.
type runCounter struct {
	nn.Backend
	mu   sync.Mutex
	runs []int
}

func (r *runCounter) Compile(ctx context.Context, p *nn.Program, opts nn.CompileOptions) (nn.Executable, error) {
	exe, err := r.Backend.Compile(ctx, p, opts)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.runs = append(r.runs, 0)
	return countedRuns{exe, r, len(r.runs) - 1}, err
}

type countedRuns struct {
	nn.Executable
	of *runCounter
	at int
}

func (c countedRuns) Run(ctx context.Context, dst, src []nn.Memory) error {
	c.of.mu.Lock()
	c.of.runs[c.at]++
	c.of.mu.Unlock()
	return c.Executable.Run(ctx, dst, src)
}

// TestCacheBeginsAnewWithThePrompt: deep layers of another text are not reused.
func TestCacheBeginsAnewWithThePrompt(t *testing.T) {
	m, err := Open(golden.Path("c", "model"), OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{Threads: 1})
	defer b.Close()
	runs := func(prompt string) []int {
		count := &runCounter{Backend: b}
		pipe := NewPipeline(m, count, PipelineOptions{})
		defer pipe.Close()
		_, err := pipe.Generate(t.Context(), Options{Prompt: prompt, PromptSyntax: "a1111", Cache: "deepcache:9", Steps: new(6), Seed: new(int64(1)), Width: 64, Height: 64})
		require.NoError(t, err)
		return count.runs
	}
	require.True(t, slices.Contains(runs("a"), 5), "one run of all layers, and five of the outer ones: %v", runs("a"))
	edited := runs("[a:b:3]")
	require.True(t, slices.Contains(edited, 4) && !slices.Contains(edited, 5), "the fourth step runs all layers again: %v", edited)
}

// TestWhatASingleFileTells about parts that some models lack, or name otherwise.
func TestWhatASingleFileTells(t *testing.T) {
	all := map[string]tensor.Shape{
		"decoder.conv_in.weight": {16, 4, 3, 3}, "encoder.down.0.block.0.conv1.weight": {16, 16, 3, 3},
		"token_embedding.weight": {100, 64}, "positional_embedding": {77, 64},
	}
	lookup := func(more ...string) shapes {
		return func(key string) (tensor.Shape, bool) {
			if slices.Contains(more, key) {
				return tensor.Shape{48, 64}, true
			}
			s, ok := all[key]
			return s, ok
		}
	}
	for _, c := range []struct {
		key                       string
		attention, quant, decoded bool
	}{
		{"", false, false, false},
		{"decoder.mid.attn_1.norm.weight", true, false, false},
		{"quant_conv.weight", false, true, false},
		{"post_quant_conv.weight", false, false, true},
	} {
		got, err := inferVAE(lookup(c.key))
		require.NoError(t, err)
		require.Equal(t, []bool{c.attention, c.quant, c.decoded}, []bool{got.MidAttention, got.UseQuantConv, got.UsePostQuantConv}, c.key)
	}
	for key, want := range map[string]int{"text_projection": 64, "text_projection.weight": 48, "other": 0} {
		got, err := inferTextG(lookup(key), original)
		require.NoError(t, err)
		require.Equal(t, want, got.ProjectionDim, "%s: %s", key, fmt.Sprint(got))
	}
}
