package imagefile

import (
	"bytes"
	"context"
	"image"
	"image/color"

	"golang.org/x/image/tiff"
)

// tiffBytes are those of a pixel of 16 bits a channel: as it is stored, decoded
// and converted.
const tiffBytes = 20

func isTIFF(data []byte) bool {
	_, ok := readEXIF(data)
	return ok && !bytes.HasPrefix(data, []byte(EXIFPrefix))
}

// openTIFF reads the first picture of a TIFF, whose directory is where EXIF has
// its own.
func openTIFF(data []byte) (header, decodeFunc, error) {
	c, err := tiff.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return header{}, nil, err
	}
	h := header{width: c.Width, height: c.Height, passes: 1, bytes: tiffBytes, orientation: exifOrientation(data)}
	return h, func(ctx context.Context) (*image.NRGBA, error) {
		src, err := tiff.Decode(cancelledAt{ctx, bytes.NewReader(data)})
		if err != nil {
			return nil, err
		}
		dst, at := image.NewNRGBA(image.Rect(0, 0, h.width, h.height)), src.Bounds().Min
		return dst, eachRow(ctx, h.height, func(y int) {
			for x := range h.width {
				c := color.NRGBAModel.Convert(src.At(at.X+x, at.Y+y)).(color.NRGBA)
				pix := dst.Pix[y*dst.Stride+4*x:]
				setRGB(pix, c.R, c.G, c.B)
				pix[3] = c.A
			}
		})
	}, nil
}

// cancelledAt is a reader of any place that ends with its context.
type cancelledAt struct {
	ctx context.Context
	*bytes.Reader
}

func (c cancelledAt) ReadAt(p []byte, off int64) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.ReadAt(p, off)
}

func (c cancelledAt) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.Reader.Read(p)
}
