package imagefile

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

func FuzzTexts(f *testing.F) {
	texts := []Text{{"easel", "{}"}, {ParametersKey, "a\nSteps: 3"}}
	var b bytes.Buffer
	require.NoError(f, EncodePNG(&b, spot(), texts))
	f.Add(b.Bytes())
	exif := EncodeEXIF(texts)
	head := append([]byte{0xff, markerSOI, 0xff, markerAPP1, 0, byte(len(EXIFPrefix) + len(exif) + 2)}, EXIFPrefix...)
	f.Add(append(head, exif...))
	f.Add(read(f, "animated.gif"))
	f.Fuzz(func(t *testing.T, data []byte) {
		var texts []Text
		most := bounded.Cost{Bytes: 4 << 20, BytesPerByte: 16 << 10, Time: 5 * time.Second, TimePerByte: 100 * time.Microsecond} // deflate packs 1000 to 1
		bounded.Check(t, len(data), most, func() { texts, _ = Texts(data) })                                                     // of what is damaged, none or some
		total := 0
		for _, text := range texts {
			total += len(text.Text)
		}
		require.LessOrEqual(t, total, max(maxTexts, 4*len(data)))
	})
}

// TestTextsOfPrograms reads files as the programs write them.
func TestTextsOfPrograms(t *testing.T) {
	data, err := os.ReadFile("testdata/texts/texts.json")
	require.NoError(t, err)
	var files map[string]map[string]string
	require.NoError(t, json.Unmarshal(data, &files))
	require.NotEmpty(t, files)
	for name, want := range files {
		data, err := os.ReadFile("testdata/texts/" + name)
		require.NoError(t, err)
		texts, err := Texts(data)
		require.NoError(t, err)
		got := map[string]string{}
		for _, text := range texts {
			got[text.Keyword] = text.Text
		}
		require.Equal(t, want, got, name)
	}
}

// TestTextBombs: texts that are packed well are cut, and many of them refused.
func TestTextBombs(t *testing.T) {
	var packed bytes.Buffer
	z, err := zlib.NewWriterLevel(&packed, zlib.BestCompression)
	require.NoError(t, err)
	_, err = z.Write(make([]byte, maxText+1000))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	bomb := func(n int) []byte {
		var b bytes.Buffer
		require.NoError(t, EncodePNG(&b, spot(), nil))
		data := b.Bytes()
		out := bytes.NewBuffer(bytes.Clone(data[:headerEnd]))
		for range n {
			require.NoError(t, writeChunk(out, "iTXt", append([]byte("a\x00\x01\x00\x00\x00"), packed.Bytes()...)))
		}
		out.Write(data[headerEnd:])
		return out.Bytes()
	}
	texts, err := Texts(bomb(1))
	require.NoError(t, err)
	require.Len(t, texts[0].Text, maxText)
	texts, err = Texts(bomb(3))
	require.NoError(t, err)
	require.Len(t, texts, 3)
	_, err = Texts(bomb(4))
	require.ErrorContains(t, err, "holds more than 64 MiB of text")
	_, err = Decode(t.Context(), bomb(4), testLimits)
	require.NoError(t, err, "they aren't read for the pixels")
}
