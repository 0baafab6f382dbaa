package openai

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestNewEmbeddings: the fields and their order are those of the answer in
// OpenAI's API reference. 0.5 and -2 are exact, so that the bytes are known.
func TestNewEmbeddings(t *testing.T) {
	for format, want := range map[string]string{
		"":      `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-2]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}`,
		"float": `{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-2]}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}`,
		// 0000003f 000000c0
		"base64": `{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAAPwAAAMA="}],"model":"m","usage":{"prompt_tokens":3,"total_tokens":3}}`,
	} {
		got, err := json.Marshal(NewEmbeddings("m", [][]float32{{0.5, -2}}, 3, format))
		require.NoError(t, err)
		require.Equal(t, want, string(got), format)
	}
}

func TestUnit(t *testing.T) {
	require.Equal(t, []float32{0.6, 0.8}, Unit([]float32{3, 4}))
	require.Equal(t, []float32{0, 0}, Unit([]float32{0, 0}))
}
