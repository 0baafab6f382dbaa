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
func inputLimits(memory int64) imagefile.Limits {
	return imagefile.Limits{Pixels: MaxInputPixels, Side: 1<<16 - 1, Memory: memory}
}

// DecodeImage decodes a picture to start from: a PNG, JPEG, WebP, GIF, BMP or TIFF.
// It gives what Pillow's exif_transpose and convert("RGB") give, as
// diffusers' load_image does. Errors read on from the name of the picture.
func DecodeImage(ctx context.Context, data []byte) (image.Image, error) {
	return decodeImage(ctx, data, inputLimits(0))
}

func decodeImage(ctx context.Context, data []byte, l imagefile.Limits) (image.Image, error) {
	img, err := imagefile.Decode(ctx, data, l)
	if err != nil {
		return nil, err
	}
	return img, nil
}

// imageSize returns the size that DecodeImage gives, from the header.
func imageSize(data []byte, l imagefile.Limits) (sdxl.Size, error) {
	p, err := imagefile.Size(data, l)
	return sdxl.Size{Width: p.X, Height: p.Y}, err
}
