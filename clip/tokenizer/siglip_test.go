package tokenizer

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

// TestSigLIPsAreTheReferences compares ids with those of transformers'
// SiglipTokenizer and Siglip2Tokenizer.
func TestSigLIPsAreTheReferences(t *testing.T) {
	first, err := LoadSigLIP(os.DirFS("testdata/siglip"))
	require.NoError(t, err)
	second, err := LoadGemma(os.DirFS("testdata/gemma"))
	require.NoError(t, err)
	for name, tok := range map[string]interface {
		EncodeCut(string, int) ([]int32, bool)
		Pad() int32
	}{"siglip": first, "gemma": second} {
		var refs struct {
			Texts []string
			IDs   [][]int32
		}
		data, err := os.ReadFile("testdata/" + name + "/texts.json")
		require.NoError(t, err)
		require.NoError(t, json.Unmarshal(data, &refs))
		for i, text := range refs.Texts {
			ids, _ := tok.EncodeCut(text, 64)
			for len(ids) < 64 {
				ids = append(ids, tok.Pad())
			}
			require.Equal(t, refs.IDs[i], ids, "%s: %q", name, text)
		}
	}
}

func TestGemmaFaults(t *testing.T) {
	for file, want := range map[string]string{
		`{`:                              "unexpected end",
		`{"model": {"type": "Unigram"}}`: "model.type is",
		`{"model": {"type": "BPE"}}`:     "no normalizer replaces spaces",
		`{"model": {"type": "BPE"}, "normalizer": {"type": "NFC"}}`: "the normalizer NFC is not Gemma's",
		`{"model": {"type": "BPE", "vocab": {"a": 1}, "merges": [["a", "b"]]}, "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}}`: "which the vocabulary lacks",
		`{"model": {"type": "BPE", "vocab": {"a": 1}}, "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}}`:                         `pad_token is "<pad>", which the vocabulary lacks`,
	} {
		_, err := LoadGemma(fstest.MapFS{tokenizerFile: {Data: []byte(file)}})
		require.ErrorContains(t, err, want, file)
	}
}

// TestLettersDoNotGrow: a damaged table in which a letter becomes all that
// follows is refused.
func TestLettersDoNotGrow(t *testing.T) {
	for n, want := range map[int]string{longestLetter: "", longestLetter + 1: "one becomes 257 bytes, want at most 256"} {
		table := binary.LittleEndian.AppendUint32(nil, 4)
		table = append(table, 0, 0, 0, 0)
		table = append(table, bytes.Repeat([]byte("x"), n)...)
		err := new(sentenceNormalizer).parseTable(append(table, 0))
		if want == "" {
			require.NoError(t, err)
		} else {
			require.ErrorContains(t, err, want)
		}
	}
}

func TestSigLIPFaults(t *testing.T) {
	data, err := os.ReadFile("testdata/siglip/spiece.model")
	require.NoError(t, err)
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"cut":      {data[:len(data)-3], "is cut short"},
		"empty":    {nil, "an empty file: download it again"},
		"pointer":  {[]byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\n"), "no pieces but a Git LFS pointer"},
		"no model": {[]byte("\x07"), "no message of protocol buffers"},
	} {
		_, err := LoadSigLIP(fstest.MapFS{piecesFile: {Data: c.data}})
		require.ErrorContains(t, err, c.want, name)
		require.ErrorContains(t, err, piecesFile)
	}
	_, err = LoadSigLIP(fstest.MapFS{piecesFile: {Data: data}, configFile: {Data: []byte(`{"eos_token": "<end>"}`)}})
	require.ErrorContains(t, err, `eos_token is "<end>", which spiece.model lacks`)
}

func FuzzSigLIPModel(f *testing.F) {
	data, err := os.ReadFile("testdata/siglip/spiece.model")
	require.NoError(f, err)
	f.Add(data[:2000], "a red circle")
	f.Add(data, "caf\u00e9 \ufb01ne")
	f.Fuzz(func(t *testing.T, data []byte, text string) {
		bounded.Check(t, len(data)+len(text), bounded.Text, func() {
			tok, err := LoadSigLIP(fstest.MapFS{piecesFile: {Data: data}})
			if err != nil {
				return
			}
			ids, _ := tok.EncodeCut(text, 64)
			require.LessOrEqual(t, len(ids), 64)
		})
	})
}

func FuzzGemma(f *testing.F) {
	model := `{"model": {"type": "BPE", "vocab": {"<pad>": 0, "<eos>": 1, "a": 2, "b": 3, "ab": 4, "\u2581": 5, "<0x41>": 6, "<unk>": 7}, "merges": [["a", "b"]], "byte_fallback": true, "unk_token": "<unk>"}, "normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}}`
	f.Add([]byte(model), []byte(`{"pad_token": "<pad>"}`), "ab a\u00e9A")
	f.Add([]byte(model), []byte(``), "")
	f.Fuzz(func(t *testing.T, model, config []byte, text string) {
		files := fstest.MapFS{tokenizerFile: {Data: model}}
		if len(config) > 0 {
			files[configFile] = &fstest.MapFile{Data: config}
		}
		bounded.Check(t, len(model)+len(config)+len(text), bounded.Text, func() {
			tok, err := LoadGemma(files)
			if err != nil {
				return
			}
			ids, _ := tok.EncodeCut(text, 64)
			require.LessOrEqual(t, len(ids), 64)
		})
	})
}
