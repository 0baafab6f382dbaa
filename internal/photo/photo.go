// Package photo decodes pictures as cameras and programs write them, turned the
// way up that they say.
package photo

import (
	"bytes"
	"fmt"
	"image"
	_ "image/gif" // formats that Decode reads
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// The bounds of a picture: pixels, pixels a side, and bytes of a file.
const (
	MaxPixels = 1 << 28
	maxSide   = 1 << 16
	maxBytes  = 1 << 30
)

// extensions are those of the formats that are read.
var extensions = []string{".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

// Named reports whether a file's name is that of a picture that can be read.
func Named(path string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(path)))
}

// Open reads a picture from a file.
func Open(path string) (image.Image, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxBytes {
		return nil, fmt.Errorf("%s: is larger than %d bytes", path, maxBytes)
	}
	img, err := Decode(data, MaxPixels)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}

// Decode decodes a picture of a bounded number of pixels. The header is read
// first, so that it can't ask for more memory than there is.
func Decode(data []byte, maxPixels int) (image.Image, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is no picture that can be read, want PNG, JPEG, WebP, GIF, TIFF or BMP: %w", err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return nil, fmt.Errorf("is %dx%d, want at most %d pixels, and %d a side", c.Width, c.Height, maxPixels, maxSide)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is a picture that can't be read to its end: %w", err)
	}
	return turned(img, orientation(data)), nil
}
