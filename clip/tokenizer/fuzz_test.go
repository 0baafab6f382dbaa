package tokenizer

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

// FuzzLoad loads tokenizers from files of any content. One that loads encodes
// texts as ids that it has.
func FuzzLoad(f *testing.F) {
	whole := `{"added_tokens":[{"id":5,"content":"<|startoftext|>","special":true},{"id":6,"content":"<|endoftext|>","special":true}],"model":{"type":"BPE","vocab":{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6},"merges":["a b</w>",["a","b"]]}}`
	f.Add([]byte(whole), []byte(``), []byte(`{}`), []byte(`{}`), []byte(`{"x":7}`), "ab a")
	f.Add([]byte(``), []byte("#version: 0.2\na b</w>\n"), []byte(`{"pad_token":"!","bos_token":{"content":"<|startoftext|>"}}`), []byte(`{"pad_token":"<|endoftext|>"}`), []byte(``), "ab<|endoftext|>")
	vocab := []byte(`{"a":0,"b":1,"a</w>":2,"b</w>":3,"ab</w>":4,"<|startoftext|>":5,"<|endoftext|>":6,"!":7,"!</w>":8}`)
	f.Fuzz(func(t *testing.T, tokenizer, merges, config, special, added []byte, text string) {
		files := fstest.MapFS{}
		size := len(text)
		put := func(name string, data []byte) {
			if len(data) > 0 {
				files[name] = &fstest.MapFile{Data: data}
				size += len(data)
			}
		}
		put(tokenizerFile, tokenizer)
		if len(tokenizer) == 0 {
			put(vocabFile, vocab)
			put(mergesFile, merges)
		}
		put("tokenizer_config.json", config)
		put("special_tokens_map.json", special)
		put("added_tokens.json", added)
		bounded.Check(t, size, bounded.Text, func() {
			k, err := Load(files)
			if err != nil {
				return
			}
			for _, ids := range [][]int32{k.Encode(text), k.EncodeBare(text), k.Encode("ab " + text)} {
				for _, id := range ids {
					require.GreaterOrEqual(t, id, int32(0))
				}
			}
		})
	})
}
