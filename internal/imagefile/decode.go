// Package imagefile decodes pictures to 8-bit RGB as the reference reads them:
// Pillow's open, exif_transpose and convert("RGB"). It reads PNG, JPEG, WebP,
// GIF, BMP and TIFF. The first frame counts where there are several, the orientation
// in EXIF or XMP is applied, and alpha is dropped, which leaves the stored
// colours of pixels that are transparent.
//
// The entropy coding is left to the decoders of the standard library and of
// golang.org/x/image. What differs from Pillow there is done here: chroma
// upsampling, colour conversion, and forms that those decoders refuse.
package imagefile

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
)

// Limits bound what a picture may cost. They hold before anything is decoded.
type Limits struct {
	Pixels int // at most, of the picture or its canvas
	Side   int // at most, of width and height
	// Memory is how many bytes decoding may take, by an estimate from the header;
	// 0 is no limit.
	Memory int64
}

const (
	// maxPasses is how many scans a progressive JPEG may have; encoders write about 10.
	maxPasses = 100
	// workPerPixel times Limits.Pixels bounds pixels x passes.
	workPerPixel = 16
)

// ErrFormat says that data are of no format that Decode knows.
var ErrFormat = errors.New("is no picture that can be read, want PNG, JPEG, WebP, GIF, BMP or TIFF")

// header is what a file says before it is decoded.
type header struct {
	width, height int // as stored, before orientation
	passes        int // over the pixels
	orientation   int // 1 to 8 as EXIF counts them; others mean 1
	bytes         int // a pixel while it is decoded, the result among them; 0 is usualBytes
}

const (
	// usualBytes are those of a pixel that was decoded and one that was converted.
	usualBytes = 8
	// turnedBytes are those of a pixel that is turned.
	turnedBytes = 4
)

// memory estimates what decoding takes.
func (h header) memory() int64 {
	bytes := cmp.Or(h.bytes, usualBytes)
	if h.orientation > 1 && h.orientation <= 8 {
		bytes += turnedBytes
	}
	return int64(bytes) * int64(h.width) * int64(h.height)
}

// format is how pictures of a kind are read.
type format struct {
	name    string
	matches func(data []byte) bool
	// open reads the header and returns what decodes the rest. It takes time
	// in proportion to data.
	open func(data []byte) (header, decodeFunc, error)
}

// decodeFunc decodes a picture as it is stored.
type decodeFunc func(ctx context.Context) (*image.NRGBA, error)

func formats() []format {
	return []format{
		{"PNG", isPNG, openPNG},
		{"JPEG", isJPEG, opener(readJPEGHeader)},
		{"WebP", isWebP, opener(readWebP)},
		{"GIF", isGIF, opener(readGIF)},
		{"BMP", isBMP, opener(readBMPHeader)},
		{"TIFF", isTIFF, openTIFF},
	}
}

// headed is a picture whose header has been read.
type headed interface {
	size() header
	decode(ctx context.Context) (*image.NRGBA, error)
}

func (h header) size() header { return h }

// opener returns the open function of a format, of the function that reads its header.
func opener[H headed](read func(data []byte) (H, error)) func(data []byte) (header, decodeFunc, error) {
	return func(data []byte) (header, decodeFunc, error) {
		h, err := read(data)
		if err != nil {
			return header{}, nil, err
		}
		return h.size(), h.decode, nil
	}
}

// IsPicture reports whether a file of a format that Decode reads begins so.
func IsPicture(start []byte) bool {
	return slices.ContainsFunc(formats(), func(f format) bool { return f.matches(start) })
}

// Size returns the width and height that Decode gives, if data are within the
// limits. It reads the header, in time in proportion to data.
func Size(data []byte, l Limits) (image.Point, error) {
	h, _, _, err := open(data, l)
	if h.orientation >= 5 && h.orientation <= 8 {
		h.width, h.height = h.height, h.width
	}
	return image.Pt(h.width, h.height), err
}

// Decode returns the picture with an alpha of 255 everywhere. Its bounds start
// at 0,0. Memory is about 8 bytes a pixel; 12 for a PNG of 16 bits a channel, up
// to 20 for a progressive JPEG, 28 in CMYK; 4 more where it is turned, and more for
// an interlaced PNG. It returns soon after ctx is done.
func Decode(ctx context.Context, data []byte, l Limits) (*image.NRGBA, error) {
	img, err := DecodeAlpha(ctx, data, l)
	if err != nil {
		return nil, err
	}
	for i := 3; i < len(img.Pix); i += 4 {
		img.Pix[i] = 255
	}
	return img, nil
}

// DecodeAlpha is Decode with the alpha that is stored, as convert("RGBA") has it.
func DecodeAlpha(ctx context.Context, data []byte, l Limits) (*image.NRGBA, error) {
	h, decode, name, err := open(data, l)
	if err != nil {
		return nil, err
	}
	img, err := decode(ctx)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("is a %s that can't be read to its end: %w", name, err)
	}
	return orient(img, h.orientation), nil
}

// open reads the header and holds it to the limits.
func open(data []byte, l Limits) (h header, decode decodeFunc, name string, err error) {
	for _, f := range formats() {
		if !f.matches(data) {
			continue
		}
		h, decode, err = f.open(data)
		if err == nil {
			err = h.check(l)
		}
		if err != nil {
			return header{}, nil, "", fmt.Errorf("is a %s that can't be read: %w", f.name, err)
		}
		return h, decode, f.name, nil
	}
	return header{}, nil, "", ErrFormat
}

func (h header) check(l Limits) error {
	switch {
	case h.width < 1 || h.height < 1:
		return fmt.Errorf("its size is %dx%d", h.width, h.height)
	case h.width > l.Side || h.height > l.Side:
		return fmt.Errorf("its size is %dx%d, want at most %d a side", h.width, h.height, l.Side)
	case h.width > l.Pixels/h.height:
		return fmt.Errorf("its size is %dx%d, want at most %d pixels", h.width, h.height, l.Pixels)
	case h.passes > maxPasses:
		return fmt.Errorf("it has %d scans, want at most %d", h.passes, maxPasses)
	case h.passes > 1 && h.passes > workPerPixel*l.Pixels/(h.width*h.height):
		return fmt.Errorf("it has %d scans of %dx%d, want at most %d for this size", h.passes, h.width, h.height,
			workPerPixel*l.Pixels/(h.width*h.height))
	}
	if l.Memory > 0 && h.memory() > l.Memory {
		const mib = 1 << 20
		return fmt.Errorf("decoding its %dx%d pixels takes %d MiB, %d bytes for each, want at most %d MiB: make it smaller, or save it plainly (no progressive JPEG, no interlaced PNG, 8 bits a channel)",
			h.width, h.height, (h.memory()+mib-1)/mib, h.memory()/int64(h.width)/int64(h.height), l.Memory/mib)
	}
	return nil
}

// setRGB sets the colour of the first pixel of pix, which is opaque.
func setRGB(pix []byte, r, g, b uint8) {
	pix = pix[:4]
	pix[0], pix[1], pix[2], pix[3] = r, g, b, 255
}

// eachRow calls do for the rows from 0 to h, until ctx is done.
func eachRow(ctx context.Context, h int, do func(y int)) error {
	for y := range h {
		if y%64 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		do(y)
	}
	return nil
}

// reader returns a reader of the pieces, one after the other, that fails when
// ctx is done.
func reader(ctx context.Context, pieces ...[]byte) io.Reader {
	readers := make([]io.Reader, len(pieces))
	for i, p := range pieces {
		readers[i] = bytes.NewReader(p)
	}
	return &cancelled{ctx, io.MultiReader(readers...)}
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx context.Context
	r   io.Reader
}

// maxRead is how much is decoded between two looks at the context.
const maxRead = 4096

func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p[:min(len(p), maxRead)])
}
