package imageout

import (
	"bytes"
	"image"
	"image/jpeg"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/image/webp"

	"github.com/df65613c/easel/internal/imagefile"
)

// TestTextsSurvive in every format, beside the pixels.
func TestTextsSurvive(t *testing.T) {
	img := spot()
	texts := []imagefile.Text{{Keyword: "easel", Text: `{"prompt":"naïve 猫 🐈"}`}, {Keyword: imagefile.ParametersKey, Text: "naïve 猫 🐈\nNegative prompt: x\nSteps: 3, Seed: 1"}}
	for _, f := range []Format{PNG, JPEG, WebP} {
		for _, texts := range [][]imagefile.Text{texts, texts[:1], texts[1:], nil} {
			var b bytes.Buffer
			require.NoError(t, Encode(&b, f, img, texts))
			got, err := imagefile.Texts(b.Bytes())
			require.NoError(t, err)
			require.ElementsMatch(t, texts, got, f)
			decoded, err := imagefile.Decode(t.Context(), b.Bytes(), imagefile.Limits{Pixels: 100, Side: 100})
			require.NoError(t, err)
			if f != JPEG {
				require.Equal(t, img.Pix, decoded.Pix, f)
			}
		}
	}
}

func spot() *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, 5, 3))
	for i := range img.Pix {
		img.Pix[i] = uint8(7*i) | uint8(i%4/3*255)
	}
	return img
}

// TestOthersReadTheFiles: decoders that know nothing of the texts.
func TestOthersReadTheFiles(t *testing.T) {
	texts := []imagefile.Text{{Keyword: imagefile.ParametersKey, Text: "a\nSteps: 3"}}
	var b bytes.Buffer
	require.NoError(t, Encode(&b, WebP, spot(), texts))
	_, err := webp.Decode(&b)
	require.NoError(t, err)
	b.Reset()
	require.NoError(t, Encode(&b, JPEG, spot(), texts))
	_, err = jpeg.Decode(&b)
	require.NoError(t, err)
}

func TestTextTooLong(t *testing.T) {
	long := []imagefile.Text{{Keyword: imagefile.ParametersKey, Text: strings.Repeat("a", 40_000)}}
	var b bytes.Buffer
	require.ErrorIs(t, Encode(&b, JPEG, spot(), long), ErrTextTooLong)
	require.Zero(t, b.Len())
	for _, f := range []Format{PNG, WebP} {
		b.Reset()
		require.NoError(t, Encode(&b, f, spot(), long))
		got, err := imagefile.Texts(b.Bytes())
		require.NoError(t, err)
		require.Equal(t, long, got)
	}
}

func TestFormatOf(t *testing.T) {
	for name, want := range map[string]Format{"a.png": PNG, "b.JPG": JPEG, "c.d.jpeg": JPEG, "e/f.WebP": WebP} {
		got, err := FormatOf(name)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, name := range []string{"", "png", "a.gif", "a.png/b"} {
		_, err := FormatOf(name)
		require.ErrorContains(t, err, "want a name that ends in .png, .jpg, .jpeg or .webp")
	}
	require.ErrorContains(t, Encode(nil, "gif", nil, nil), `no format "gif"`)
}
