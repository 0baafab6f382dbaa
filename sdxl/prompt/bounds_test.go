package prompt

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip/tokenizer"
)

// TestBreaks: each begins a chunk, at the ends too; in brackets it is a word.
func TestBreaks(t *testing.T) {
	tok := tokenizer.CLIPL()
	for text, chunks := range map[string]int{"a": 1, "a BREAK b": 2, "BREAK a": 2, "a BREAK": 1, "a BREAK BREAK b": 3, "(a BREAK b)": 1, "aBREAK b": 1, "a BREAKb": 1, "": 1, "BREAK": 1} {
		require.Len(t, A1111.Chunks(tok, text), chunks, text)
	}
}

// TestRoomOfChunks: as many tokens as a chunk has room for, and one more, in every language.
func TestRoomOfChunks(t *testing.T) {
	tok := tokenizer.CLIPL()
	words := func(n int) string { return strings.Repeat("cat ", n) }
	for _, s := range []Syntax{A1111, Comfy} {
		require.Len(t, s.Chunks(tok, words(room)), 1, s)
		require.Len(t, s.Chunks(tok, words(room+1)), 2, s)
		require.Len(t, s.Chunks(tok, words(2*room)), 2, s)
		require.Len(t, s.Chunks(tok, words(2*room+1)), 3, s)
		for _, c := range s.Chunks(tok, words(room+1)) {
			require.Len(t, c.IDs, Length)
			require.Len(t, c.Weights, Length)
		}
	}
	for _, s := range []Syntax{Plain, Diffusers} {
		whole, more := s.Chunks(tok, words(room)), s.Chunks(tok, words(room+1))
		require.Len(t, more, 1, s)
		require.Equal(t, whole, more)
		require.NotEqual(t, whole, s.Chunks(tok, words(room-1)))
	}
	// In comfy a part of 7 tokens moves to the next chunk, and one of 8 is cut.
	count := func(c Chunk) (n int) {
		for _, w := range c.Weights {
			if w == 2 {
				n++
			}
		}
		return n
	}
	seven := Comfy.Chunks(tok, words(room-3)+"("+words(7)+":2)")
	require.Equal(t, []int{0, 7}, []int{count(seven[0]), count(seven[1])})
	eight := Comfy.Chunks(tok, words(room-3)+"("+words(8)+":2)")
	require.Equal(t, []int{3, 5}, []int{count(eight[0]), count(eight[1])})
	fits := Comfy.Chunks(tok, words(room-7)+"("+words(7)+":2)")
	require.Len(t, fits, 1)
}

// TestDeepestBrackets: a hundred count, and those further in are text.
func TestDeepestBrackets(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("(", n) + "a" + strings.Repeat(")", n) }
	for _, s := range []Syntax{A1111, Comfy} {
		at, past := s.Spans(nested(deepest)), s.Spans(nested(deepest+1))
		require.Len(t, at, 1)
		require.Equal(t, "a", at[0].Text)
		weight := 0.0
		for _, span := range past {
			weight = max(weight, span.Weight)
		}
		require.InDelta(t, at[0].Weight, weight, 1e-9*weight, "no stronger: %s", s)
		require.Contains(t, past[0].Text, "(")
	}
}

// TestArgumentsOfNetworks: by place and by name, and what is none.
func TestArgumentsOfNetworks(t *testing.T) {
	for text, want := range map[string]Network{
		"<lora:x>": {"x", 1, 1}, "<lora:x:0.5>": {"x", 0.5, 0.5}, "<lora:x:0.5:2>": {"x", 0.5, 2}, "<lyco:x:te=0.5>": {"x", 0.5, 0.5}, "<lora:x:unet=0>": {"x", 1, 0},
		"<lora:x:unet=2:te=3>": {"x", 3, 2}, "<lora:x: 0.5 : 2 >": {"x", 0.5, 2},
	} {
		rest, list, err := A1111.Networks("a " + text + " b")
		require.NoError(t, err, text)
		require.Equal(t, []Network{want}, list, text)
		require.Equal(t, "a  b", rest)
	}
	for text, want := range map[string]string{
		"<lora:x:1:2:3>": "one argument too many", "<lora:x:a>": "is no number", "<lora:x:inf>": "is no number", "<lora:x:nan>": "is no number", "<lora:x:dyn=1>": "no argument \"dyn\"", "<hypernet:x>": "easel knows <lora:...>",
	} {
		_, _, err := A1111.Networks(text)
		require.ErrorContains(t, err, want, text)
	}
	rest, list, err := Comfy.Networks("<lora:x>")
	require.NoError(t, err)
	require.Empty(t, list)
	require.Equal(t, "<lora:x>", rest)
}
