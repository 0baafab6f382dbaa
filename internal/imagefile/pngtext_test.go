package imagefile

import (
	"bytes"
	"compress/zlib"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

func spot() image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	img.Set(2, 1, color.NRGBA{200, 100, 50, 255})
	return img
}

func TestTextSurvives(t *testing.T) {
	texts := []Text{{"easel", `{"prompt":"naïve 猫 🐈"}`}, {"empty", ""}}
	var buf bytes.Buffer
	require.NoError(t, EncodePNG(&buf, spot(), texts))
	got, err := Texts(buf.Bytes())
	require.NoError(t, err)
	require.Equal(t, texts, got)
	img, err := png.Decode(&buf)
	require.NoError(t, err, "the standard library checks the chunks' sums")
	require.Equal(t, spot(), img)
}

func TestDecodeReadsLatin1(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, EncodePNG(&buf, spot(), nil))
	data := buf.Bytes()
	out := bytes.NewBuffer(bytes.Clone(data[:headerEnd]))
	require.NoError(t, writeChunk(out, "tEXt", []byte("parameters\x00caf\xe9")))
	out.Write(data[headerEnd:])
	got, err := Texts(out.Bytes())
	require.NoError(t, err)
	require.Equal(t, []Text{{"parameters", "café"}}, got)
}

func TestDecodeInflates(t *testing.T) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, err := z.Write([]byte("caf\xc3\xa9"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	var buf bytes.Buffer
	require.NoError(t, EncodePNG(&buf, spot(), nil))
	out := bytes.NewBuffer(bytes.Clone(buf.Bytes()[:headerEnd]))
	require.NoError(t, writeChunk(out, "iTXt", append([]byte("a\x00\x01\x00en\x00k\x00"), packed.Bytes()...)))
	require.NoError(t, writeChunk(out, "zTXt", append([]byte("b\x00\x00"), packed.Bytes()...)))
	require.NoError(t, writeChunk(out, "zTXt", []byte("broken\x00\x00xyz")))
	out.Write(buf.Bytes()[headerEnd:])
	got, err := Texts(out.Bytes())
	require.NoError(t, err)
	require.Equal(t, []Text{{"a", "café"}, {"b", "cafÃ©"}}, got)
}

func TestDecodeRefusesWhatIsCutShort(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, EncodePNG(&buf, spot(), []Text{{"k", "v"}}))
	for n := range buf.Len() - 12 {
		_, err := Texts(buf.Bytes()[:n])
		require.Error(t, err, "cut at %d", n)
	}
}
