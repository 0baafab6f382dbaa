package tokenizer

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func TestCLIPFilesAreReadBack(t *testing.T) {
	for pad, want := range map[string]*Tokenizer{endOfText: CLIPL(), "!": CLIPG()} {
		files, err := CLIPFiles(pad)
		require.NoError(t, err)
		dir := fstest.MapFS{}
		for name, data := range files {
			dir[name] = &fstest.MapFile{Data: data}
		}
		got, err := Load(dir)
		require.NoError(t, err)
		const text = "A naïve lighthouse's lamp, at dusk! 12 <|endoftext|>"
		require.Equal(t, want.EncodePadded(text, 77), got.EncodePadded(text, 77), pad)
	}
}
