package imagefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"

	"golang.org/x/image/vp8"
	"golang.org/x/image/vp8l"
	"golang.org/x/image/webp"
)

const riffHeader = 12 // RIFF, size, WEBP

func isWebP(data []byte) bool {
	return len(data) >= riffHeader && string(data[:4]) == "RIFF" && string(data[8:12]) == "WEBP"
}

// webpFrame is the first frame of a WebP, and the canvas around it.
type webpFrame struct {
	header
	at       image.Point
	width    int // of the frame
	height   int
	lossless bool
	alpha    []byte // how a lossy frame keeps it; nil is none
	data     []byte
}

// riffChunks yields the chunks up to the first that is cut short.
func riffChunks(data []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for len(data) >= 8 {
			n := int64(binary.LittleEndian.Uint32(data[4:]))
			if n > int64(len(data)-8) || !yield(string(data[:4]), data[8:8+n]) {
				return
			}
			data = data[min(8+n+n&1, int64(len(data))):]
		}
	}
}

func uint24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func readWebP(data []byte) (*webpFrame, error) {
	if int64(binary.LittleEndian.Uint32(data[4:])) > int64(len(data)-8) {
		return nil, io.ErrUnexpectedEOF
	}
	f := &webpFrame{header: header{passes: 1}}
	var exif, xmp []byte
	extended := false
	for kind, body := range riffChunks(data[riffHeader:]) {
		switch kind {
		case "VP8X":
			if len(body) < 10 {
				return nil, errors.New("its header is cut short")
			}
			extended = true
			f.header.width, f.header.height = uint24(body[4:])+1, uint24(body[7:])+1
		case "ANMF":
			const frameHeader = 16
			if f.data != nil || len(body) < frameHeader {
				continue
			}
			f.at = image.Pt(2*uint24(body), 2*uint24(body[3:]))
			for kind, body := range riffChunks(body[frameHeader:]) {
				if err := f.readPixels(kind, body); err != nil {
					return nil, err
				}
			}
		case "EXIF":
			exif = body
		case "XMP ":
			xmp = body
		default:
			if err := f.readPixels(kind, body); err != nil {
				return nil, err
			}
		}
	}
	if f.data == nil {
		return nil, errors.New("it has no pixels, or is cut short")
	}
	if !extended {
		f.header.width, f.header.height = f.width, f.height
	}
	if f.width < 1 || f.height < 1 {
		return nil, fmt.Errorf("its frame is %dx%d", f.width, f.height)
	}
	if f.at.X+f.width > f.header.width || f.at.Y+f.height > f.header.height {
		return nil, fmt.Errorf("its frame of %dx%d at %v leaves its canvas of %dx%d", f.width, f.height, f.at,
			f.header.width, f.header.height)
	}
	f.orientation = orientationOf(exif, xmp)
	return f, nil
}

// readPixels takes the first chunk of pixels, and reads their header.
func (f *webpFrame) readPixels(kind string, body []byte) error {
	if kind == "ALPH" && f.data == nil {
		f.alpha = body
	}
	if kind != "VP8 " && kind != "VP8L" || f.data != nil {
		return nil
	}
	f.data, f.lossless = body, kind == "VP8L"
	if f.lossless {
		c, err := vp8l.DecodeConfig(bytes.NewReader(body))
		f.width, f.height = c.Width, c.Height
		return err
	}
	d := vp8.NewDecoder()
	d.Init(bytes.NewReader(body), len(body))
	h, err := d.DecodeFrameHeader()
	f.width, f.height = h.Width, h.Height
	return err
}

// decode draws the frame on a canvas of transparent black.
func (f *webpFrame) decode(ctx context.Context) (*image.NRGBA, error) {
	canvas := image.NewNRGBA(image.Rect(0, 0, f.header.width, f.header.height))
	dst := canvas.SubImage(image.Rectangle{f.at, f.at.Add(image.Pt(f.width, f.height))}).(*image.NRGBA)
	if f.lossless {
		img, err := vp8l.Decode(reader(ctx, f.data))
		if err != nil {
			return nil, err
		}
		src, ok := img.(*image.NRGBA)
		if !ok {
			return nil, errors.New("it is of an unknown colour model")
		}
		return canvas, eachRow(ctx, f.height, func(y int) {
			copy(dst.Pix[y*dst.Stride:][:4*f.width], src.Pix[y*src.Stride:])
		})
	}
	src, alpha, err := f.decodeLossy(ctx)
	if err != nil {
		return nil, err
	}
	chroma := newVideoChroma(src, f.width, f.height)
	return canvas, eachRow(ctx, f.height, func(y int) {
		cb, cr := chroma.rows(y)
		pix := dst.Pix[y*dst.Stride:]
		for x, v := range src.Y[y*src.YStride:][:f.width] {
			r, g, b := fromVideo(v, cb[x], cr[x])
			setRGB(pix[4*x:], r, g, b)
			if alpha != nil {
				pix[4*x+3] = alpha[y*f.width+x]
			}
		}
	})
}

// decodeLossy returns the frame's YCbCr, and its alpha or nil.
func (f *webpFrame) decodeLossy(ctx context.Context) (*image.YCbCr, []byte, error) {
	if f.alpha == nil {
		d := vp8.NewDecoder()
		d.Init(reader(ctx, f.data), len(f.data))
		if _, err := d.DecodeFrameHeader(); err != nil {
			return nil, nil, err
		}
		src, err := d.DecodeFrame()
		return src, nil, err
	}
	// The decoder of alpha is that of whole files: a file of this frame.
	const hasAlpha = 1 << 4
	w, h := f.width-1, f.height-1
	extended := []byte{hasAlpha, 0, 0, 0, byte(w), byte(w >> 8), byte(w >> 16), byte(h), byte(h >> 8), byte(h >> 16)}
	pieces := [][]byte{nil}
	size := len("WEBP")
	for _, c := range []struct {
		kind string
		body []byte
	}{{"VP8X", extended}, {"ALPH", f.alpha}, {"VP8 ", f.data}} {
		head := binary.LittleEndian.AppendUint32([]byte(c.kind), uint32(len(c.body)))
		pieces = append(pieces, head, c.body, make([]byte, len(c.body)%2))
		size += len(head) + len(c.body) + len(c.body)%2
	}
	pieces[0] = append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(size)), "WEBP"...)
	img, err := webp.Decode(reader(ctx, pieces...))
	if err != nil {
		return nil, nil, err
	}
	src, ok := img.(*image.NYCbCrA)
	if !ok || src.AStride != f.width {
		return nil, nil, errors.New("its alpha is damaged")
	}
	return &src.YCbCr, src.A, nil
}

// videoChroma gives the rows of chroma at the size of a picture, as libwebp's
// fancy upsampler does: 9, 3, 3 and 1 parts of the nearest four samples, which
// are rounded on the way.
type videoChroma struct {
	src           *image.YCbCr
	width, height int
	cb, cr        []byte
}

func newVideoChroma(src *image.YCbCr, w, h int) *videoChroma {
	return &videoChroma{src, w, h, make([]byte, w), make([]byte, w)}
}

// rows returns a row of each, which hold until the next call.
func (c *videoChroma) rows(y int) (cb, cr []byte) {
	near := y / 2
	far := min(max(near-1+y%2*2, 0), (c.height+1)/2-1)
	samples := (c.width + 1) / 2
	row := func(plane []byte, y int) []byte { return plane[y*c.src.CStride:][:samples] }
	upsampleVideo(c.cb, row(c.src.Cb, near), row(c.src.Cb, far))
	upsampleVideo(c.cr, row(c.src.Cr, near), row(c.src.Cr, far))
	return c.cb, c.cr
}

// upsampleVideo makes a row of the nearest row of samples and the next nearest.
func upsampleVideo(dst, near, far []byte) {
	dst[0] = uint8((3*int(near[0]) + int(far[0]) + 2) >> 2)
	for x := 1; x < len(near); x++ {
		n0, n1, f0, f1 := int(near[x-1]), int(near[x]), int(far[x-1]), int(far[x])
		sum := n0 + n1 + f0 + f1 + 8
		left := (sum + 2*(n1+f0)) >> 3
		right := (sum + 2*(n0+f1)) >> 3
		dst[2*x-1] = uint8((left + n0) >> 1)
		if 2*x < len(dst) {
			dst[2*x] = uint8((right + n1) >> 1)
		}
	}
	if len(dst)%2 == 0 {
		last := len(near) - 1
		dst[len(dst)-1] = uint8((3*int(near[last]) + int(far[last]) + 2) >> 2)
	}
}

// fromVideo converts limited-range YCbCr (ITU-R BT.601) with libwebp's rounding.
func fromVideo(y, cb, cr uint8) (r, g, b uint8) {
	part := func(v uint8, factor int32) int32 { return int32(v) * factor >> 8 }
	light := part(y, 19077)
	r = clamp((light + part(cr, 26149) - 14234) >> 6)
	g = clamp((light - part(cb, 6419) - part(cr, 13320) + 8708) >> 6)
	b = clamp((light + part(cb, 33050) - 17685) >> 6)
	return r, g, b
}
