package imagefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"image"
	"image/png"
	"iter"
	"strings"
)

const pngSignature = "\x89PNG\r\n\x1a\n"

// maxPNGText is how much of a text is looked at for an orientation.
const maxPNGText = 1 << 20

func isPNG(data []byte) bool { return bytes.HasPrefix(data, []byte(pngSignature)) }

// pngHeader is what the chunks of a PNG say.
type pngHeader struct {
	header
	gray16  bool // of 16 bits, without alpha
	palette []byte
	alpha   []byte   // of the palette's first colours
	pieces  [][]byte // of the file: what the decoder needs, and an end
}

func openPNG(data []byte) (header, decodeFunc, error) {
	h, err := readPNGHeader(data)
	return h.header, func(ctx context.Context) (*image.NRGBA, error) {
		img, err := png.Decode(reader(ctx, h.pieces...))
		if err != nil {
			return nil, err
		}
		return h.convert(ctx, img)
	}, err
}

func readPNGHeader(data []byte) (pngHeader, error) {
	const headerSize = 13
	h := pngHeader{header: header{passes: 1}}
	var exif []byte
	var profile, xmp pngChunk // unpacked once, however many there are
	h.pieces = [][]byte{data[:len(pngSignature)]}
	for c := range pngChunks(data[len(pngSignature):]) {
		body := c.body
		switch c.kind {
		case "IHDR", "PLTE", "tRNS", "IDAT":
			h.pieces = append(h.pieces, c.whole)
		}
		switch c.kind {
		case "IHDR":
			if len(body) != headerSize {
				return h, errors.New("its header has a wrong length")
			}
			h.width, h.height = int(binary.BigEndian.Uint32(body)), int(binary.BigEndian.Uint32(body[4:]))
			depth, color := body[8], body[9]
			h.gray16 = depth == 16 && color == 0
			stored := 4
			if depth == 16 {
				stored = 8
			}
			h.bytes = stored + 4
			if body[12] != 0 { // its passes are pictures of their own
				h.bytes += stored
			}
		case "PLTE":
			h.palette = body
		case "tRNS":
			h.alpha = body
		case "eXIf":
			exif = body
		case "tEXt", "zTXt", "iTXt":
			keyword, _, _ := bytes.Cut(body, []byte{0})
			switch string(keyword) {
			case "Raw profile type exif":
				profile = c
			case "XML:com.adobe.xmp":
				xmp = c
			}
		}
	}
	if exif == nil {
		exif = rawProfile(profile.text())
	}
	h.pieces = append(h.pieces, pngEnd)
	h.orientation = orientationOf(exif, xmp.text())
	return h, nil
}

// pngEnd is the last chunk, which some files lack.
var pngEnd = []byte("\x00\x00\x00\x00IEND\xae\x42\x60\x82")

// pngChunk is a part of a PNG.
type pngChunk struct {
	kind        string
	body, whole []byte
}

// pngChunks yields the chunks up to the first that is cut short.
func pngChunks(data []byte) iter.Seq[pngChunk] {
	const around = 4 + 4 + 4 // length, kind, checksum
	return func(yield func(pngChunk) bool) {
		for len(data) >= around {
			n := int64(binary.BigEndian.Uint32(data))
			if n > int64(len(data)-around) || !yield(pngChunk{string(data[4:8]), data[8 : 8+n], data[:around+n]}) {
				return
			}
			data = data[around+n:]
		}
	}
}

// text returns the text of a chunk, or its start, or nothing.
func (c pngChunk) text() []byte {
	t, _ := c.parseText(maxPNGText)
	return []byte(t.Text)
}

// rawProfile reads the form in which ImageMagick keeps EXIF data in a text: a
// name, a length, and hexadecimal digits.
func rawProfile(text []byte) []byte {
	lines := strings.SplitN(string(text), "\n", 4)
	if len(lines) < 4 {
		return nil
	}
	data, _ := hex.DecodeString(strings.Join(strings.Fields(lines[3]), "")) // what there is
	return data
}

// convert drops what 8 bits can't hold. It keeps the high byte of 16 bits,
// except that 16-bit gray is clipped at 255, as in Pillow.
func (h pngHeader) convert(ctx context.Context, decoded image.Image) (*image.NRGBA, error) {
	dst := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	row := func(int) {}
	switch src := decoded.(type) {
	case *image.NRGBA:
		dst = src
	case *image.RGBA: // the decoder gives it to pictures without alpha
		dst = &image.NRGBA{Pix: src.Pix, Stride: src.Stride, Rect: src.Rect}
	case *image.Gray:
		row = func(y int) {
			for x, v := range src.Pix[y*src.Stride:][:h.width] {
				setRGB(dst.Pix[y*dst.Stride+4*x:], v, v, v)
			}
		}
	case *image.Paletted:
		row = func(y int) {
			for x, v := range src.Pix[y*src.Stride:][:h.width] {
				c, pix := h.color(v), dst.Pix[y*dst.Stride+4*x:]
				setRGB(pix, c[0], c[1], c[2])
				if int(v) < len(h.alpha) {
					pix[3] = h.alpha[v]
				}
			}
		}
	case *image.Gray16:
		row = func(y int) {
			for x := range h.width {
				v := clipped(src.Pix[y*src.Stride+2*x:])
				setRGB(dst.Pix[y*dst.Stride+4*x:], v, v, v)
			}
		}
	case *image.NRGBA64:
		row = h.row64(dst, src.Pix, src.Stride)
	case *image.RGBA64:
		row = h.row64(dst, src.Pix, src.Stride)
	default:
		return nil, errors.New("it is of an unknown colour model")
	}
	return dst, eachRow(ctx, h.height, row)
}

// color returns a colour of the palette, and black past its end.
func (h pngHeader) color(i uint8) [3]uint8 {
	if at := 3 * int(i); at+3 <= len(h.palette) {
		return [3]uint8(h.palette[at:])
	}
	return [3]uint8{}
}

// row64 converts a row of 4 channels of 16 bits.
func (h pngHeader) row64(dst *image.NRGBA, pix []byte, stride int) func(y int) {
	return func(y int) {
		for x := range h.width {
			s, d := pix[y*stride+8*x:][:8], dst.Pix[y*dst.Stride+4*x:]
			if h.gray16 { // with a transparent level
				v := clipped(s)
				setRGB(d, v, v, v)
			} else {
				setRGB(d, s[0], s[2], s[4])
				d[3] = s[6]
			}
		}
	}
}

// clipped returns a number of 16 bits, or 255.
func clipped(b []byte) uint8 { return uint8(min(binary.BigEndian.Uint16(b), 255)) }
