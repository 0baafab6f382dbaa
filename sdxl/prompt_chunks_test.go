package sdxl

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl/prompt"
)

// TestChunksAreShared: of a prompt that changes, only the chunks that change are
// kept more than once, however long the others are.
func TestChunksAreShared(t *testing.T) {
	m, err := Open(golden.Path("c", "model"), OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{})
	defer b.Close()
	p := NewPipeline(m, b, PipelineOptions{})
	defer p.Close()
	text := strings.Repeat("x BREAK ", 7) + "y"
	texts := []PromptText{{text + " a", text + " a"}, {text + " b", text + " b"}, {text + " c", text + " c"}}
	e, err := p.encodeTexts(t.Context(), texts, PromptOptions{Syntax: "a1111"})
	require.NoError(t, err)
	different := make(map[*encodedChunk]bool)
	for _, text := range texts {
		require.Len(t, e.of[text], 8)
		for _, c := range e.of[text] {
			different[c] = true
		}
	}
	require.Len(t, different, 1+3)
	require.Equal(t, int64(4*(77*e.width+e.pooled)*4), e.bytes())

	whole, err := p.EncodePrompts(t.Context(), texts[1:2], PromptOptions{Syntax: "a1111"})
	require.NoError(t, err)
	require.Equal(t, e.average(blend{{texts[1], 1}}, 8*77).context.Float32s(), whole[0].Context.Float32s())
}

// TestManyChunks: those of more than one run of the encoders are what each is alone.
func TestManyChunks(t *testing.T) {
	m, err := Open(golden.Path("c", "model"), OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	b := cpu.New(cpu.Options{})
	defer b.Close()
	p := NewPipeline(m, b, PipelineOptions{})
	defer p.Close()
	var texts []PromptText
	for i := range chunksAtOnce + 2 {
		text := strings.Repeat("a ", i+1)
		texts = append(texts, PromptText{text, text})
	}
	e, err := p.encodeTexts(t.Context(), texts, PromptOptions{Syntax: "comfy"})
	require.NoError(t, err)
	for _, i := range []int{0, chunksAtOnce - 1, chunksAtOnce, chunksAtOnce + 1} {
		alone, err := p.encodeTexts(t.Context(), texts[i:i+1], PromptOptions{Syntax: "comfy"})
		require.NoError(t, err)
		require.Equal(t, alone.of[texts[i]][0].context, e.of[texts[i]][0].context, i)
		require.Equal(t, alone.of[texts[i]][0].pooled, e.of[texts[i]][0].pooled, i)
	}
}

// TestEmphasisOverflows: weights that fit a number may make none of what they weigh.
func TestEmphasisOverflows(t *testing.T) {
	for _, syntax := range []prompt.Syntax{prompt.A1111, prompt.Comfy} {
		require.NoError(t, emphasise(syntax, []float32{2, 1}, []float32{0, 0}, []float32{1e38}))
		err := emphasise(syntax, []float32{2, 1}, []float32{0, 0}, []float32{3e38})
		require.ErrorContains(t, err, "the embedding holds no numbers", syntax)
	}
}
