package pngmeta

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

func picture() image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	img.Set(2, 1, color.NRGBA{200, 100, 50, 255})
	return img
}

func TestTextSurvives(t *testing.T) {
	texts := []Text{{"easel", `{"prompt":"naïve 猫 🐈"}`}, {"empty", ""}}
	var buf bytes.Buffer
	require.NoError(t, Encode(&buf, picture(), texts))
	got, err := Decode(bytes.NewReader(buf.Bytes()))
	require.NoError(t, err)
	require.Equal(t, texts, got)
	img, err := png.Decode(&buf)
	require.NoError(t, err, "the standard library checks the chunks' sums")
	require.Equal(t, picture(), img)
}

func TestDecodeReadsLatin1(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, Encode(&buf, picture(), nil))
	data := buf.Bytes()
	out := bytes.NewBuffer(bytes.Clone(data[:headerEnd]))
	require.NoError(t, writeChunk(out, "tEXt", []byte("parameters\x00caf\xe9")))
	out.Write(data[headerEnd:])
	got, err := Decode(out)
	require.NoError(t, err)
	require.Equal(t, []Text{{"parameters", "café"}}, got)
}

func TestDecodeRefusesWhatIsCutShort(t *testing.T) {
	var buf bytes.Buffer
	require.NoError(t, Encode(&buf, picture(), []Text{{"k", "v"}}))
	for n := range buf.Len() - 12 {
		_, err := Decode(bytes.NewReader(buf.Bytes()[:n]))
		require.Error(t, err, "cut at %d", n)
	}
}
