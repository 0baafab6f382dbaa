package imagefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

func read(t testing.TB, name string) []byte {
	data, err := os.ReadFile(filepath.Join("testdata", name))
	require.NoError(t, err)
	return data
}

// TestLimits: at the limit a picture of each format is read, and one past it refused.
func TestLimits(t *testing.T) {
	const w, h = 37, 23 // of all of testdata
	for _, name := range []string{"rgb.png", "420.jpg", "lossy.webp", "lossless.webp", "animated.webp", "plain.gif", "rgb.bmp", "rgb.tif"} {
		data := read(t, name)
		_, err := Decode(t.Context(), data, Limits{Pixels: w * h, Side: w})
		require.NoError(t, err, name)
		_, err = Decode(t.Context(), data, Limits{Pixels: w*h - 1, Side: w})
		require.ErrorContains(t, err, "37x23, want at most 850 pixels", name)
		_, err = Decode(t.Context(), data, Limits{Pixels: w * h, Side: w - 1})
		require.ErrorContains(t, err, "37x23, want at most 36 a side", name)
	}
}

// TestSizesInHeaders: a size that a header tells asks for no memory.
func TestSizesInHeaders(t *testing.T) {
	webp := read(t, "animated.webp")
	copy(webp[24:], "\xff\xff\xff\xff\xff\xff")
	gif := read(t, "plain.gif")
	binary.LittleEndian.PutUint32(gif[6:], 0xffffffff)
	frame := read(t, "plain.gif")
	at := bytes.IndexByte(frame[13+3<<(frame[10]&7+1):], ',') + 13 + 3<<(frame[10]&7+1)
	copy(frame[at+1:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	bmp := read(t, "rgb.bmp")
	copy(bmp[18:], "\xff\xff\xff\x7f\xff\xff\xff\x7f")
	down := read(t, "rgb.bmp")
	copy(down[18:], "\xff\xff\xff\x7f\x00\x00\x00\x80")
	jpg := read(t, "420.jpg")
	at = bytes.Index(jpg, []byte{0xff, markerSOF0})
	copy(jpg[at+5:], "\xff\xff\xff\xff")
	png := read(t, "rgb.png")
	copy(png[16:], "\x7f\xff\xff\xff\x7f\xff\xff\xff")
	for name, data := range map[string][]byte{"webp": webp, "gif": gif, "gif frame": frame, "bmp": bmp, "bmp down": down, "jpeg": jpg, "png": png} {
		allocated := testing.AllocsPerRun(1, func() {
			_, err := Decode(t.Context(), data, testLimits)
			require.ErrorContains(t, err, "want at most", name)
		})
		require.Less(t, allocated, 200.0, name)
	}
}

// TestFramesWithoutSize: a canvas does not hide a frame without width or height.
func TestFramesWithoutSize(t *testing.T) {
	data := read(t, "lossy.webp")
	const beforeSize = 14 // of a chunk's header, and a frame's
	at := bytes.Index(data, []byte("\x9d\x01*")) + 3
	for side := range 2 {
		chunk := bytes.Clone(data[at-beforeSize:])
		binary.LittleEndian.PutUint16(chunk[beforeSize+2*side:], 0)
		canvas := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x24\x00\x00\x16\x00\x00"), chunk...)
		binary.LittleEndian.PutUint32(canvas[4:], uint32(len(canvas)-8))
		_, err := Decode(t.Context(), canvas, testLimits)
		require.ErrorContains(t, err, "its frame is ")
	}
}

// scans returns a progressive JPEG of w x h with n scans that say nothing.
func scans(t testing.TB, w, h, n int) []byte {
	data := read(t, "gray_progressive.jpg")
	at := bytes.Index(data, []byte{0xff, markerSOF0 + 2})
	binary.BigEndian.PutUint16(data[at+5:], uint16(h))
	binary.BigEndian.PutUint16(data[at+7:], uint16(w))
	at = bytes.Index(data, []byte{0xff, markerSOS})
	// A table of one code of one bit for the longest run of blocks without coefficients, then scans of the first.
	table := append([]byte{0xff, markerDHT, 0, 20, 0x10, 1}, make([]byte, 16)...)
	table[21] = 0xe0
	scan := append([]byte{0xff, markerSOS, 0, 8, 1, 1, 0, 1, 63, 0}, bytes.Repeat([]byte{0x7f}, 9)...)
	return append(append(data[:at:at], table...), append(bytes.Repeat(scan, n), 0xff, markerEOI)...)
}

// TestScans bounds pixels x passes.
func TestScans(t *testing.T) {
	data := scans(t, 37, 23, maxPasses+1)
	_, err := Decode(t.Context(), data, testLimits)
	require.ErrorContains(t, err, "it has 101 scans, want at most 100")
	_, err = Decode(t.Context(), scans(t, 37, 23, maxPasses), testLimits)
	require.NoError(t, err)
	_, err = Decode(t.Context(), scans(t, 1000, 1000, 17), Limits{Pixels: 1000 * 1000, Side: 1000})
	require.ErrorContains(t, err, "it has 17 scans of 1000x1000, want at most 16 for this size")
	_, err = Decode(t.Context(), scans(t, 1000, 1000, 16), Limits{Pixels: 1000 * 1000, Side: 1000})
	require.NoError(t, err)
}

// TestMemory: what decoding takes is known from the header, and a limit on it
// holds exactly.
func TestMemory(t *testing.T) {
	const w, h = 1000, 800
	encoded := func(encode func(w io.Writer, m image.Image) error, m image.Image) []byte {
		var b bytes.Buffer
		require.NoError(t, encode(&b, m))
		return b.Bytes()
	}
	plainly := func(w io.Writer, m image.Image) error { return jpeg.Encode(w, m, nil) }
	size := image.Rect(0, 0, w, h)
	color := read(t, "420_progressive.jpg")
	at := bytes.Index(color, []byte{0xff, markerSOF0 + 2})
	binary.BigEndian.PutUint16(color[at+5:], h)
	binary.BigEndian.PutUint16(color[at+7:], w)
	for name, c := range map[string]struct {
		data  []byte
		pixel int64
	}{
		"png":               {encoded(png.Encode, image.NewNRGBA(size)), 8},
		"png of 16 bits":    {encoded(png.Encode, image.NewNRGBA64(size)), 12},
		"jpeg":              {encoded(plainly, image.NewNRGBA(size)), 8},
		"progressive gray":  {scans(t, w, h, 3), 9},
		"progressive color": {color, 12},
	} {
		limits := Limits{Pixels: w * h, Side: w, Memory: c.pixel * w * h}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Decode(t.Context(), c.data, limits)
		runtime.ReadMemStats(&after)
		if name != "progressive color" { // whose pixels are those of a smaller picture
			require.NoError(t, err, name)
		} else {
			require.NotContains(t, err.Error(), "MiB")
		}
		if took := int64(after.TotalAlloc - before.TotalAlloc); bounded.Counts {
			require.Less(t, took, limits.Memory+1<<20, name)
			require.Greater(t, took, limits.Memory/2, name)
		}
		limits.Memory--
		_, err = Decode(t.Context(), c.data, limits)
		require.ErrorContains(t, err, fmt.Sprintf("decoding its 1000x800 pixels takes %d MiB, %d bytes for each, want at most", (c.pixel*w*h+1<<20-1)>>20, c.pixel), name)
	}
}

// TestCancelled: a context that ends in the middle ends the work.
func TestCancelled(t *testing.T) {
	flat := image.NewGray(image.Rect(0, 0, 4000, 4000))
	var p, j bytes.Buffer
	require.NoError(t, png.Encode(&p, flat))
	require.NoError(t, jpeg.Encode(&j, flat, nil))
	for name, data := range map[string][]byte{"png": p.Bytes(), "jpeg": j.Bytes()} {
		for _, looks := range []int{0, 1, 2, 5} {
			_, err := Decode(&expiring{Context: t.Context(), left: looks}, data, testLimits)
			require.ErrorIs(t, err, context.Canceled, "%s after %d looks", name, looks)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	paths, err := filepath.Glob("testdata/*.*")
	require.NoError(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		_, err = Decode(ctx, data, testLimits)
		require.ErrorIs(t, err, context.Canceled, path)
	}
}

// expiring is a context that is done after a number of looks at it.
type expiring struct {
	context.Context
	left int
}

func (e *expiring) Err() error {
	if e.left--; e.left < 0 {
		return context.Canceled
	}
	return nil
}

// TestCutShort: a file that ends before its pixels do is refused.
func TestCutShort(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.*")
	require.NoError(t, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		if strings.Contains(path, "animated") {
			continue // what is cut may be a later frame
		}
		for n := 0; n < len(data)/2; n += 1 + len(data)/100 {
			_, err := Decode(t.Context(), data[:n], testLimits)
			require.Error(t, err, "%s at %d", path, n)
		}
	}
}

func TestNoPicture(t *testing.T) {
	for _, text := range []string{"", "B", "\xff\xd8", "<html>", strings.Repeat("\x00", 100)} {
		_, err := Decode(t.Context(), []byte(text), testLimits)
		require.ErrorIs(t, err, ErrFormat)
	}
}

func FuzzDecode(f *testing.F) {
	paths, err := filepath.Glob("testdata/*.*")
	require.NoError(f, err)
	for _, path := range paths {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data)
	}
	limits := Limits{Pixels: 1 << 16, Side: 1 << 12}
	// Tables of decoders, and 64 bytes a pixel, of any input; copies of it.
	most := bounded.Cost{Bytes: 4<<20 + 64*uint64(limits.Pixels), BytesPerByte: 1 << 8, Time: 5 * time.Second, TimePerByte: 100 * time.Microsecond}
	f.Fuzz(func(t *testing.T, data []byte) {
		var img *image.NRGBA
		var err error
		bounded.Check(t, len(data), most, func() { img, err = Decode(t.Context(), data, limits) })
		if err != nil {
			return
		}
		require.LessOrEqual(t, img.Rect.Dx()*img.Rect.Dy(), limits.Pixels)
		for i := 3; i < len(img.Pix); i += 4 {
			require.Equal(t, uint8(255), img.Pix[i])
		}
	})
}
