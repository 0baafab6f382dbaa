package imagefile

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var testLimits = Limits{Pixels: 1 << 26, Side: 65535}

// TestAsPillow holds every file of testdata to the PNG beside it, which Pillow made.
func TestAsPillow(t *testing.T) {
	dir := os.Getenv("EASEL_PICTURES")
	if dir == "" {
		dir = "testdata"
	}
	paths, err := filepath.Glob(filepath.Join(dir, "*.ref.png"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, ref := range paths {
		path := strings.TrimSuffix(ref, ".ref.png")
		t.Run(filepath.Base(path), func(t *testing.T) {
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			got, err := Decode(t.Context(), data, testLimits)
			require.NoError(t, err)
			want := readPNG(t, ref)
			require.Equal(t, want.Rect, got.Rect)
			sum, most := 0, 0
			for i, v := range want.Pix {
				d := max(int(v), int(got.Pix[i])) - min(int(v), int(got.Pix[i]))
				sum, most = sum+d, max(most, d)
			}
			mean := float64(sum) / float64(len(want.Pix)/4*3)
			t.Logf("mean %.4f most %d", mean, most)
			require.Less(t, mean, 0.15)
			require.LessOrEqual(t, most, 3)
		})
	}
}

// TestAlphaAsPillow holds what has an alpha to what Pillow makes of that.
func TestAlphaAsPillow(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.rgba.png")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, ref := range paths {
		img, err := Open(t.Context(), strings.TrimSuffix(ref, ".rgba.png"), testLimits)
		require.NoError(t, err)
		want := readPNG(t, ref)
		require.Equal(t, want.Rect, img.Rect, ref)
		for i := 3; i < len(want.Pix); i += 4 {
			require.Equal(t, want.Pix[i], img.Pix[i], "%s at %d", ref, i/4)
		}
	}
}

func readPNG(t *testing.T, path string) *image.NRGBA {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	b := img.Bounds()
	out := image.NewNRGBA(b)
	for y := range b.Dy() {
		for x := range b.Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}

// TestJPEGsThatAreNotRead: the error names the kind.
func TestJPEGsThatAreNotRead(t *testing.T) {
	data, err := os.ReadFile("testdata/420.jpg")
	require.NoError(t, err)
	frame := bytes.Index(data, []byte{0xff, markerSOF0})
	require.Positive(t, frame)
	const precision, components, first, second = 4, 9, 11, 14
	for _, c := range []struct {
		at   int
		to   byte
		want string
	}{
		{1, 0xc9, "it is of arithmetic coding"}, {1, 0xca, "it is of arithmetic coding"}, {1, 0xc3, "it is of the lossless kind"}, {1, 0xc5, "it is of the hierarchical kind"},
		{precision, 12, "it has 12 bits a sample, want 8"}, {components, 2, "it has 2 components, want 1, 3 or 4"},
		{first, 0x31, "its components are sampled 3x1, 1x1, 1x1"}, {second, 0x42, "its components are sampled 2x2, 4x2, 1x1"}, {first, 0x14, "sampled 1x4"},
	} {
		changed := bytes.Clone(data)
		changed[frame+c.at] = c.to
		_, err := Decode(t.Context(), changed, testLimits)
		require.ErrorContains(t, err, c.want)
		require.ErrorContains(t, err, "is a JPEG that can't be read")
	}
}
