package demo_test

import (
	"image"
	imagedraw "image/draw"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// saved returns the three pictures of a row that train/companions.py drew with
// diffusers.
func saved(t *testing.T, name string) (images []*image.NRGBA) {
	f, err := os.Open(filepath.Join("testdata", "companions", name+".png"))
	require.NoError(t, err)
	defer f.Close()
	row, err := png.Decode(f)
	require.NoError(t, err)
	for i := range 3 {
		img := image.NewNRGBA(image.Rect(0, 0, 128, 128))
		imagedraw.Draw(img, img.Bounds(), row, image.Pt(128*i, 0), imagedraw.Src)
		images = append(images, img)
	}
	return images
}

// Each companion shifts the pictures in its direction.

func TestBlueprintIsWhiteLinesOnBlue(t *testing.T) {
	blue := func(r, g, b uint8) bool { return int(b) > int(r)+50 && g < 150 && r < 120 }
	white := func(r, g, b uint8) bool { return r > 170 && g > 170 && b > 170 }
	for i, img := range saved(t, "blueprint-LoRA") {
		require.Greater(t, share(img, img.Rect, blue), 0.6, i)
		lines := share(img, img.Rect, white)
		require.Greater(t, lines, 0.005, i)
		require.Less(t, lines, 0.2, i)
	}
	for i, img := range saved(t, "without") {
		onWhite, lines := share(img, img.Rect, blue) < 0.1, share(img, img.Rect, white)
		require.True(t, onWhite || lines < 0.005, "picture %d without the LoRA is a blueprint", i)
	}
}

// roofed reports whether what differs from the border narrows to the top, as
// a roof does, and is as wide as anywhere at the bottom.
func roofed(img *image.NRGBA, half image.Rectangle) bool {
	var widths []int
	bg := img.NRGBAAt(2, 2)
	for y := half.Min.Y; y < half.Max.Y; y++ {
		n := 0
		for x := half.Min.X; x < half.Max.X; x++ {
			c := img.NRGBAAt(x, y)
			if d := math.Abs(float64(c.R)-float64(bg.R)) + math.Abs(float64(c.G)-float64(bg.G)) + math.Abs(float64(c.B)-float64(bg.B)); d > 120 {
				n++
			}
		}
		if n > 2 {
			widths = append(widths, n)
		}
	}
	if len(widths) < 16 {
		return false
	}
	n := len(widths)
	mean := func(from, to int) (m float64) {
		for _, w := range widths[from*n/8 : to*n/8] {
			m += float64(w)
		}
		return m / float64(to*n/8-from*n/8)
	}
	walls := mean(5, 7)
	return mean(0, 2) < 0.6*walls && math.Abs(mean(6, 7)/mean(5, 6)-1) < 0.12
}

func TestHouseHasARoof(t *testing.T) {
	count := func(name string) (n int) {
		for i, img := range saved(t, name) {
			half := img.Rect
			if i == 2 {
				half.Max.X = 64 // the house is at the left
			}
			if roofed(img, half) {
				n++
			}
		}
		return n
	}
	require.GreaterOrEqual(t, count("house-LoRA"), 2)
	require.LessOrEqual(t, count("without-house"), 1)
}

func TestBadgeIsRedInsideOfALine(t *testing.T) {
	isRed := func(r, g, b uint8) bool { return r > 150 && g < 100 && b < 100 }
	middle := image.Rect(44, 44, 84, 84)
	for i, img := range saved(t, "badge-embedding") {
		require.Greater(t, share(img, middle, isRed), 0.1, i)
		require.Less(t, share(img, img.Rect, isRed)*128*128, share(img, middle, isRed)*40*40+16, "red outside of the middle, picture %d", i)
	}
	for i, img := range saved(t, "without-badge") {
		require.Zero(t, share(img, img.Rect, isRed), i)
	}
}

func TestTinyVAEIsNearTheVAE(t *testing.T) {
	full, tiny := saved(t, "VAE"), saved(t, "tiny-VAE")
	for i := range full {
		sum := 0.0
		for k, v := range full[i].Pix {
			d := float64(v) - float64(tiny[i].Pix[k]) // alpha has no difference
			sum += d * d
		}
		require.Greater(t, 10*math.Log10(255*255*3*128*128/sum), 20.0, i)
	}
}
