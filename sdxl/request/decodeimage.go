package request

import (
	"context"
	"image"

	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/sdxl"
)

// MaxInputPixels is the most pixels of a picture to start from: a photo of 50
// megapixels, and some margin.
const MaxInputPixels = 52 << 20

// inputLimits bound a picture to start from, which is resized before use.
var inputLimits = imagefile.Limits{Pixels: MaxInputPixels, Side: 1<<16 - 1}

// DecodeImage decodes a picture to start from: a PNG, JPEG, WebP, GIF, BMP or TIFF.
// It gives what Pillow's exif_transpose and convert("RGB") give, as
// diffusers' load_image does. Errors read on from the name of the picture.
func DecodeImage(ctx context.Context, data []byte) (image.Image, error) {
	img, err := imagefile.Decode(ctx, data, inputLimits)
	if err != nil {
		return nil, err
	}
	return img, nil
}

// imageSize returns the size that DecodeImage gives, from the header.
func imageSize(data []byte) (sdxl.Size, error) {
	p, err := imagefile.Size(data, inputLimits)
	return sdxl.Size{Width: p.X, Height: p.Y}, err
}
