package tokenizer

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The values of this file come from transformers: internal/golden/gen/tokenizer_refs.py.

// reference is what one tokenizer of transformers gives.
type reference struct {
	BOS, EOS, Pad, Size int32
	ModelMaxLength      int       `json:"model_max_length"`
	IDs                 [][]int32 // of hand, then of all or some of fuzz
	Bare                [][]int32
	Padded, Short       [][]int32
	Long                [][4]any // text, repeats, number of ids, checksum
	Decoded             [][2]json.RawMessage
}

type textReferences struct {
	Hand, Fuzz []string
	Sets       map[string]reference
}

func readGolden(t testing.TB, name string, v any) {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	require.NoError(t, err)
	b, err = gunzip(b)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}

// folder opens one of the tokenizer folders in testdata/folders.zip.
func folder(t testing.TB, name string) fs.FS {
	t.Helper()
	b, err := os.ReadFile("testdata/folders.zip")
	require.NoError(t, err)
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	require.NoError(t, err)
	sub, err := fs.Sub(z, name)
	require.NoError(t, err)
	return sub
}

func byName(t testing.TB, name string) *Tokenizer {
	switch name {
	case "clip_l":
		return CLIPL()
	case "clip_g":
		return CLIPG()
	}
	tok, err := Load(folder(t, name))
	require.NoError(t, err)
	return tok
}

func checksum(ids []int32) string {
	h := sha256.New()
	binary.Write(h, binary.LittleEndian, ids)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

func TestTransformers(t *testing.T) {
	var golden textReferences
	readGolden(t, "texts.json.gz", &golden)
	require.Len(t, golden.Sets, 12)
	for name, want := range golden.Sets {
		t.Run(name, func(t *testing.T) {
			tok := byName(t, name)
			require.Equal(t, []int32{want.BOS, want.EOS, want.Pad}, []int32{tok.BOS(), tok.EOS(), tok.Pad()})
			require.Equal(t, want.ModelMaxLength, tok.MaxLength())
			require.EqualValues(t, want.Size, tok.VocabSize())

			texts := golden.Hand
			if len(want.IDs) == len(golden.Hand)+len(golden.Fuzz) {
				texts = append(texts[:len(texts):len(texts)], golden.Fuzz...)
			} else {
				texts = texts[:len(texts):len(texts)]
				for i := 0; i < len(golden.Fuzz); i += 5 {
					texts = append(texts, golden.Fuzz[i])
				}
			}
			require.Len(t, want.IDs, len(texts))
			for i, text := range texts {
				require.Equal(t, want.IDs[i], tok.Encode(text), "%q", text)
			}
			for i, ids := range want.Bare {
				require.Equal(t, append([]int32{}, ids...), append([]int32{}, tok.EncodeBare(texts[i])...), "%q", texts[i])
			}
			for i, ids := range want.Padded {
				require.Equal(t, ids, tok.EncodePadded(texts[7*i], want.ModelMaxLength), "%q", texts[7*i])
			}
			for i, ids := range want.Short {
				require.Equal(t, ids, tok.EncodePadded(texts[i], 5), "%q", texts[i])
			}
			for _, l := range want.Long {
				ids := tok.Encode(strings.Repeat(l[0].(string), int(l[1].(float64))))
				require.EqualValues(t, l[2], len(ids), "%v", l)
				require.Equal(t, l[3], checksum(ids), "%v", l)
			}
			for _, d := range want.Decoded {
				var ids []int32
				var text string
				require.NoError(t, json.Unmarshal(d[0], &ids))
				require.NoError(t, json.Unmarshal(d[1], &text))
				require.Equal(t, text, tok.Decode(ids), "%v", ids)
			}
		})
	}
}

func TestManyGoroutines(t *testing.T) {
	var golden textReferences
	readGolden(t, "texts.json.gz", &golden)
	tok := CLIPG()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i, text := range golden.Hand {
				if checksum(golden.Sets["clip_g"].IDs[i]) != checksum(tok.Encode(text)) {
					t.Errorf("%q: other ids than alone", text)
				}
			}
		})
	}
	wg.Wait()
}
