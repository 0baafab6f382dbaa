package request

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // formats that decodeImage reads
	_ "image/png"

	"github.com/df65613c/easel/sdxl"
	_ "golang.org/x/image/webp"
)

// decodeImage decodes a PNG, JPEG or WebP of a bounded number of pixels. The
// header is read first, so that it can't ask for more memory than there is.
func decodeImage(data []byte, maxPixels int) (image.Image, error) {
	c, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is no picture that can be read, want PNG, JPEG or WebP: %w", err)
	}
	if c.Width < 1 || c.Height < 1 || c.Width > sdxl.MaxSide || c.Height > sdxl.MaxSide || c.Width*c.Height > maxPixels {
		return nil, fmt.Errorf("is %dx%d, want at most %d pixels, and %d a side", c.Width, c.Height, maxPixels, sdxl.MaxSide)
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("is a picture that can't be read to its end: %w", err)
	}
	return img, nil
}
