package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEmbedPrompts: a prompt of two chunks has two chunks' hidden states, and
// plain text those of embed without a syntax.
func TestEmbedPrompts(t *testing.T) {
	embed := func(args ...string) map[string]jsonTensor {
		out, _ := ok(t, "", append([]string{"embed", "--json", "-p", "a red circle BREAK a star"}, args...)...)
		var got map[string]jsonTensor
		require.NoError(t, json.Unmarshal([]byte(out), &got))
		return got
	}
	plain, same, chunks := embed(), embed("--prompt-syntax", "plain"), embed("--prompt-syntax", "a1111", "--clip-skip", "1")
	require.Equal(t, plain["prompt_embeds"].Data, same["prompt_embeds.0"].Data)
	require.Equal(t, plain["pooled"].Data, same["pooled.0"].Data)
	require.Equal(t, 2*77, chunks["prompt_embeds.0"].Shape[0])
	_, _, err := run(t, t.Context(), "", "embed", "--json", "-p", "a", "--prompt-syntax", "webui")
	require.ErrorContains(t, err, "no prompt syntax")
}
