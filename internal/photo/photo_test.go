package photo

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestOrientationsArePillows compares with what exif_transpose makes of them.
func TestOrientationsArePillows(t *testing.T) {
	for n := 1; n <= 8; n++ {
		want, err := Open(fmt.Sprintf("testdata/%d-up.png", n))
		require.NoError(t, err)
		for _, ext := range []string{"png", "webp"} {
			got, err := Open(fmt.Sprintf("testdata/%d.%s", n, ext))
			require.NoError(t, err)
			require.Equal(t, want.Bounds().Size(), got.Bounds().Size(), "%d.%s", n, ext)
			for y := range want.Bounds().Dy() {
				for x := range want.Bounds().Dx() {
					require.Equal(t, color.NRGBAModel.Convert(want.At(x, y)), color.NRGBAModel.Convert(got.At(x, y)), "%d.%s at %d,%d", n, ext, x, y)
				}
			}
		}
		jpeg, err := Open(fmt.Sprintf("testdata/%d.jpg", n))
		require.NoError(t, err)
		require.Equal(t, want.Bounds().Size().Mul(8), jpeg.Bounds().Size())
	}
}

func TestFaults(t *testing.T) {
	_, err := Decode([]byte("no picture"), 100)
	require.ErrorContains(t, err, "is no picture that can be read")
	data, err := os.ReadFile("testdata/1.png")
	require.NoError(t, err)
	_, err = Decode(data, 34)
	require.ErrorContains(t, err, "is 7x5, want at most 34 pixels")
	_, err = Decode(data[:len(data)-40], 100)
	require.ErrorContains(t, err, "can't be read to its end")
	_, err = Open("testdata/none.png")
	require.ErrorIs(t, err, os.ErrNotExist)
	require.True(t, Named("a/B.JPG"))
	require.False(t, Named("a/b.txt"))
}

func FuzzDecode(f *testing.F) {
	for _, name := range []string{"6.png", "6.webp", "6.jpg"} {
		data, err := os.ReadFile("testdata/" + name)
		require.NoError(f, err)
		f.Add(data)
		f.Add(bytes.Replace(data, []byte("\x01\x12"), []byte("\xff\xff"), 1))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if n := orientation(data); n < 1 || n > 8 {
			t.Fatal(n)
		}
		if img, err := Decode(data, 10000); err == nil && img.Bounds() == (image.Rectangle{}) {
			t.Fatal("an empty picture")
		}
	})
}
