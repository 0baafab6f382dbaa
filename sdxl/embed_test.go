package sdxl_test

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

// TestCLIPIsThePooledEmbedding compares vectors of texts as long as they are with
// those of texts that are padded to 77 tokens.
func TestCLIPIsThePooledEmbedding(t *testing.T) {
	m, err := sdxl.Open(golden.Path("a", "model"), sdxl.OpenOptions{Parts: sdxl.TextParts})
	require.NoError(t, err)
	defer m.Close()
	backend := cpu.New(cpu.Options{})
	defer backend.Close()
	texts := []string{"a red circle", "", "an old lighthouse at dusk", strings.Repeat("two cats ", 50)}
	var prompts []sdxl.PromptText
	for _, text := range texts {
		prompts = append(prompts, sdxl.PromptText{L: text, G: text})
	}
	padded, err := sdxl.NewPipeline(m, backend, sdxl.PipelineOptions{}).EncodePrompts(t.Context(), prompts, sdxl.PromptOptions{})
	require.NoError(t, err)
	c, err := m.CLIP(clip.Options{Backend: backend})
	require.NoError(t, err)
	defer c.Close()
	vectors, err := c.EmbedTexts(t.Context(), texts)
	require.NoError(t, err)
	for i, v := range vectors {
		want := padded[i].Pooled.Float32s()
		sum := 0.0
		for _, x := range want {
			sum += float64(x) * float64(x)
		}
		for j, x := range want {
			require.InDelta(t, float64(x)/math.Sqrt(sum), v[j], 1e-6, texts[i])
		}
	}
}
