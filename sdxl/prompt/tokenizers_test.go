package prompt

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip/tokenizer"
)

// TestTokensOfTheWebUI holds ids to open_clip's tokenizer, and to one with the
// cleaning of the older CLIPTokenizer.
func TestTokensOfTheWebUI(t *testing.T) {
	path := "testdata/web_ui_tokens.json"
	if p := os.Getenv("EASEL_TOKENS"); p != "" {
		path = p
	}
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var cases []struct {
		Text          string
		First, Second []int32
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	first, second := A1111.read(tokenizer.CLIPL()), A1111.read(tokenizer.CLIPG())
	for _, c := range cases {
		require.Equal(t, c.First, append([]int32{}, first.EncodeBare(c.Text)...), "first %q", c.Text)
		require.Equal(t, c.Second, append([]int32{}, second.EncodeBare(c.Text)...), "second %q", c.Text)
	}
}

// TestBangIsText: only the plain languages have it as padding.
func TestBangIsText(t *testing.T) {
	for _, s := range []Syntax{A1111, Comfy} {
		for _, tok := range []Tokenizer{tokenizer.CLIPL(), tokenizer.CLIPG()} {
			c := s.Chunks(tok, "!")[0]
			require.Equal(t, []int32{tok.BOS(), 256, tok.EOS(), tok.Pad()}, c.IDs[:4], s)
		}
	}
	for _, s := range []Syntax{Plain, Diffusers} {
		require.Equal(t, int32(0), s.Chunks(tokenizer.CLIPG(), "!")[0].IDs[1])
		require.Equal(t, int32(256), s.Chunks(tokenizer.CLIPL(), "!")[0].IDs[1])
	}
}
