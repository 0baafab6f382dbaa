package tokenizer

import (
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

// copyOf returns the files of one of testdata's folders, with changes; a nil value removes a file.
func copyOf(t testing.TB, name string, changes map[string]*string) fstest.MapFS {
	t.Helper()
	src, files := folder(t, name), fstest.MapFS{}
	entries, err := fs.ReadDir(src, ".")
	require.NoError(t, err)
	for _, e := range entries {
		data, err := fs.ReadFile(src, e.Name())
		require.NoError(t, err)
		files[e.Name()] = &fstest.MapFile{Data: data}
	}
	for name, text := range changes {
		if text == nil {
			delete(files, name)
		} else {
			files[name] = &fstest.MapFile{Data: []byte(*text)}
		}
	}
	return files
}

func TestBadFiles(t *testing.T) {
	for _, test := range []struct {
		folder, file, text string // "-" removes the file
		want               []string
	}{
		{"bare", "vocab.json", "-", []string{"tokenizer.json", "vocab.json", "not exist"}},
		{"bare", "merges.txt", "-", []string{"merges.txt", "not exist"}},
		{"bare", "vocab.json", "{", []string{"vocab.json", "JSON"}},
		{"bare", "vocab.json", "[]", []string{"vocab.json", "array"}},
		{"bare", "vocab.json", "null", []string{"vocab.json", "no vocabulary"}},
		{"bare", "vocab.json", `{"a": 1.5}`, []string{"vocab.json", "1.5"}},
		{"bare", "vocab.json", `{"a": 5000000000}`, []string{"vocab.json", "5000000000"}},
		{"bare", "vocab.json", `{"a": -1}`, []string{"vocab.json", `"a"`, "-1"}},
		{"bare", "vocab.json", `{"a": 7, "b": 7}`, []string{"vocab.json", `"a" and "b"`, "id 7"}},
		{"bare", "vocab.json", `{"a": 0}`, []string{"vocab.json", "merges.txt", "merge 1", "lacks"}},
		{"bare", "merges.txt", "#version: 0.2\ni n\nt\n", []string{"merges.txt", "line 3", `"t"`}},
		{"bare", "merges.txt", "i n x\n", []string{"merges.txt", "line 1"}},
		{"bare", "merges.txt", "i n\n\nt h\n", []string{"merges.txt", "line 2"}},
		{"bare", "merges.txt", "i n\nzz q\n", []string{"merges.txt", "merge 2", `"zz"`, "lacks"}},
		{"bare", "merges.txt", "z q\n", []string{"merges.txt", "merge 1", `names "zq"`}},
		{"saved", "tokenizer.json", "not", []string{"tokenizer.json", "invalid"}},
		{"saved", "tokenizer.json", "{}", []string{"tokenizer.json", "no vocabulary"}},
		{"saved", "tokenizer.json", `{"model": {"type": "Unigram"}}`, []string{"tokenizer.json", "model.type", "Unigram", "BPE"}},
		{"saved", "tokenizer.json", `{"model": {"vocab": {"a": 0}, "merges": [["a"]]}}`, []string{"tokenizer.json", `["a"]`, "two parts"}},
		{"saved", "tokenizer.json", `{"model": {"vocab": {"a": 0}}, "added_tokens": [{"content": "x"}]}`, []string{"tokenizer.json", "no id"}},
		{"saved", "tokenizer.json", `{"model": {"vocab": {"a": 0}}}`, []string{"tokenizer.json", "lacks", endOfText}},
		{"saved", "tokenizer_config.json", "}", []string{"tokenizer_config.json", "invalid"}},
		{"saved", "tokenizer_config.json", `{"pad_token": 3}`, []string{"tokenizer_config.json", "pad_token"}},
		{"saved", "tokenizer_config.json", `{"pad_token": ""}`, []string{"pad_token", "empty"}},
		{"saved", "tokenizer_config.json", `{"model_max_length": 1}`, []string{"tokenizer_config.json", "model_max_length", "2 or more"}},
		{"saved", "tokenizer_config.json", `{"model_max_length": 7.5}`, []string{"tokenizer_config.json", "model_max_length", "7.5"}},
		{"saved", "tokenizer_config.json", `{"model_max_length": "x"}`, []string{"tokenizer_config.json", "model_max_length"}},
		{"saved", "tokenizer_config.json", `{"padding_side": "left"}`, []string{"tokenizer_config.json", "padding_side", "left", "right"}},
		{"saved", "tokenizer_config.json", `{"added_tokens_decoder": {"x": {"content": "a"}}}`, []string{"added_tokens_decoder", `"x"`}},
		{"saved", "tokenizer_config.json", `{"added_tokens_decoder": {"1": {"content": "Ab", "normalized": true}, "2": {"content": "aB", "normalized": true}}}`, []string{`"Ab" and "aB"`, "normalized"}},
		{"published_l", "special_tokens_map.json", `{"bos_token": []}`, []string{"special_tokens_map.json", "bos_token"}},
		{"added", "added_tokens.json", `{"<a>": 3, "<b>": 3}`, []string{"added_tokens.json", "one id"}},
		{"added", "added_tokens.json", `{"<a>": "x"}`, []string{"added_tokens.json"}},
	} {
		changes := map[string]*string{test.file: &test.text}
		if test.text == "-" {
			changes[test.file] = nil
		}
		_, err := Load(copyOf(t, test.folder, changes))
		require.Error(t, err, "%+v", test)
		for _, want := range test.want {
			require.ErrorContains(t, err, want, "%+v", test)
		}
	}
}

func TestLargeFile(t *testing.T) {
	files := copyOf(t, "bare", nil)
	files["vocab.json"].Data = make([]byte, maxFileSize+1)
	_, err := Load(files)
	require.ErrorContains(t, err, "vocab.json: 67108865 bytes")
}

// A vocabulary with a gap has room for ids, but the tokens after it would meet others.
func TestGapInVocabulary(t *testing.T) {
	vocab := maps.Clone(readCLIP().vocab)
	delete(vocab, endOfText)
	vocab["zzz"] = 60000
	tok, err := build(&model{vocab: vocab}, &config{maxLength: 77})
	require.NoError(t, err)
	require.Equal(t, 60001, tok.VocabSize())
	require.EqualValues(t, len(vocab), tok.EOS())
	vocab["yyy"] = int32(len(vocab)) + 1 // where the mark would go
	_, err = build(&model{vocab: vocab}, &config{maxLength: 77})
	require.ErrorContains(t, err, `"<|endoftext|>" needs the id`)
}

// Windows line ends, no last line end, no version line.
func TestMergesFile(t *testing.T) {
	data, err := fs.ReadFile(folder(t, "bare"), "merges.txt")
	require.NoError(t, err)
	want, err := parseMerges(string(data))
	require.NoError(t, err)
	_, plain, ok := strings.Cut(strings.TrimSuffix(string(data), "\n"), "\n")
	require.True(t, ok)
	for _, text := range []string{plain, strings.ReplaceAll(string(data), "\n", "\r\n")} {
		got, err := parseMerges(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
}

func TestEmbeddedVocabulary(t *testing.T) {
	tok := CLIPL()
	require.Equal(t, 49408, tok.VocabSize())
	require.Len(t, tok.bpe.merges, 48894)
	for id := range int32(tok.VocabSize()) {
		got, ok := tok.ID(tok.token(id))
		require.True(t, ok)
		require.Equal(t, id, got)
	}
	require.Equal(t, []int32{0, 49407}, []int32{CLIPG().Pad(), tok.Pad()})
	_, ok := tok.ID("no such token")
	require.False(t, ok)
}

func TestPaddedLengthTooShort(t *testing.T) {
	require.PanicsWithValue(t, "tokenizer: a padded length of 1 has no room for BOS and EOS, it must be 2 or more", func() { CLIPL().EncodePadded("a", 1) })
	require.Equal(t, []int32{49406, 49407}, CLIPL().EncodePadded("a", 2))
}

func FuzzEncode(f *testing.F) {
	var golden textReferences
	readGolden(f, "texts.json.gz", &golden)
	for i := 0; i < len(golden.Hand); i += 10 {
		f.Add(golden.Hand[i])
	}
	f.Add("\xff\xfe<|endoftext|>\xf0\x9f")
	toks := []*Tokenizer{CLIPL(), CLIPG(), byName(f, "flags"), byName(f, "missing_bytes")}
	f.Fuzz(func(t *testing.T, text string) {
		most := bounded.Text
		most.BytesPerByte *= 4 // one for each tokenizer
		bounded.Check(t, len(text), most, func() { encodeAll(t, toks, text) })
	})
}

// encodeAll holds each way to encode to the others.
func encodeAll(t *testing.T, toks []*Tokenizer, text string) {
	for _, tok := range toks {
		ids := tok.Encode(text)
		for _, id := range ids {
			if id < 0 || int(id) >= tok.VocabSize() {
				t.Fatalf("%q: id %d is outside the vocabulary", text, id)
			}
		}
		if ids[0] != tok.BOS() || ids[len(ids)-1] != tok.EOS() || !slices.Equal(ids[1:len(ids)-1], tok.EncodeBare(text)) {
			t.Fatalf("%q: Encode and EncodeBare differ", text)
		}
		padded := tok.EncodePadded(text, 77)
		kept := min(len(ids)-1, 76)
		if len(padded) != 77 || !slices.Equal(padded[:kept], ids[:kept]) || padded[kept] != tok.EOS() {
			t.Fatalf("%q: Encode and EncodePadded differ", text)
		}
		tok.Decode(ids)
	}
}

func BenchmarkEncode(b *testing.B) {
	tok := CLIPG()
	for _, c := range []struct{ name, text string }{
		{"prompt", "masterpiece, best quality, a photo of a cat sitting on a windowsill, soft morning light, 85mm lens"},
		{"word100k", strings.Repeat("a", 100000)},
		{"marks10k", "a" + strings.Repeat("\u0301\u0323", 5000)},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.text)))
			for b.Loop() {
				tok.Encode(c.text)
			}
		})
	}
}

func BenchmarkEmbedded(b *testing.B) {
	for b.Loop() {
		_, err := build(readCLIP(), &config{maxLength: clipLength})
		require.NoError(b, err)
	}
}
