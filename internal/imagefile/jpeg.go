package imagefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"iter"
	"strings"
)

// Markers of JPEG, after a byte of 0xff.
const (
	markerSOF0 = 0xc0 // frames are SOF0 to SOF15 but for the next three
	markerDHT  = 0xc4
	markerJPG  = 0xc8
	markerDAC  = 0xcc
	markerRST0 = 0xd0
	markerRST7 = 0xd7
	markerSOI  = 0xd8
	markerEOI  = 0xd9
	markerSOS  = 0xda
	markerAPP0 = 0xe0
	markerAPP1 = 0xe1
	markerAdob = 0xee // APP14
	markerAPPF = 0xef
	markerCOM  = 0xfe
)

const xmpPrefix = "http://ns.adobe.com/xap/1.0/\x00"

func isJPEG(data []byte) bool { return bytes.HasPrefix(data, []byte{0xff, markerSOI, 0xff}) }

// jpegHeader is what the segments of a JPEG say.
type jpegHeader struct {
	header
	ids       []byte // of the components
	sampling  []byte // of each, columns in the high half
	jfif      bool
	transform int      // Adobe's, -1 where the file names none
	pieces    [][]byte // of the file without the segments of applications
	baseline  bool
	// progressive, by any of the four kinds of frames that come in several scans
	progressive bool
}

// readJPEGHeader walks the segments of the whole file, and counts the scans.
func readJPEGHeader(data []byte) (*jpegHeader, error) {
	h := &jpegHeader{transform: -1}
	var exif, xmp []byte
	kept := 2 // what lies before is in pieces, or left out
	for s := range jpegSegments(data) {
		kind, body := s.kind, s.body
		switch {
		case kind == markerSOS:
			h.passes++
		case kind >= markerSOF0 && kind < markerSOF0+16 && kind != markerDHT && kind != markerJPG && kind != markerDAC:
			h.baseline, h.progressive = kind == markerSOF0, kind&3 == 2
			if name := unreadFrames[kind-markerSOF0]; name != "" {
				return nil, fmt.Errorf("it is of %s, want baseline or progressive with Huffman's codes", name)
			}
			if err := h.readFrame(body); err != nil {
				return nil, err
			}
		case kind >= markerAPP0 && kind <= markerAPPF || kind == markerCOM:
			h.pieces = append(h.pieces, data[kept:s.start])
			kept = s.start + 4 + len(body)
		}
		switch {
		case kind == markerAPP0 && bytes.HasPrefix(body, []byte("JFIF\x00")):
			h.jfif = true
		case kind == markerAPP1 && bytes.HasPrefix(body, []byte(EXIFPrefix)):
			exif = append(exif, body[len(EXIFPrefix):]...) // of several, one is continued in the next
		case kind == markerAPP1 && bytes.HasPrefix(body, []byte(xmpPrefix)):
			xmp = body[len(xmpPrefix):]
		case kind == markerAdob && len(body) >= 12 && bytes.HasPrefix(body, []byte("Adobe")):
			h.transform = int(body[11])
		}
	}
	h.pieces = append(h.pieces, data[kept:])
	if h.baseline { // some cameras forget the end
		h.pieces = append(h.pieces, []byte{0xff, markerEOI})
	}
	if h.ids == nil {
		return nil, errors.New("it has no frame header")
	}
	if h.progressive {
		h.bytes = h.progressiveBytes()
	}
	h.orientation = orientationOf(exif, xmp)
	return h, nil
}

// progressiveBytes returns what a pixel takes of which all coefficients are kept
// until the last scan, in 32 bits each.
func (h *jpegHeader) progressiveBytes() int {
	samples, columns, rows := 0, 1, 1
	for _, s := range h.sampling {
		samples += int(s>>4) * int(s&15)
		columns, rows = max(columns, int(s>>4)), max(rows, int(s&15))
	}
	most := columns * rows // of a component that is not subsampled
	bytes := (5*samples+most-1)/most + 4
	if len(h.ids) == 4 {
		bytes += 4 // they are put together before they are converted
	}
	return bytes
}

// unreadFrames are the kinds of frames that are not read, by their markers.
var unreadFrames = [16]string{
	3: "the lossless kind", 5: "the hierarchical kind", 6: "the hierarchical kind", 7: "the hierarchical kind",
	9: "arithmetic coding", 10: "arithmetic coding", 11: "arithmetic coding", 13: "arithmetic coding", 14: "arithmetic coding",
	15: "arithmetic coding",
}

func (h *jpegHeader) readFrame(body []byte) error {
	if len(body) < 6 || len(body) < 6+3*int(body[5]) {
		return errors.New("its frame header is cut short")
	}
	if h.ids != nil {
		return errors.New("it has two frame headers")
	}
	h.height, h.width = int(binary.BigEndian.Uint16(body[1:])), int(binary.BigEndian.Uint16(body[3:]))
	for c := body[6:]; len(h.ids) < int(body[5]); c = c[3:] {
		h.ids, h.sampling = append(h.ids, c[0]), append(h.sampling, c[1])
	}
	switch n := len(h.ids); {
	case body[0] != 8:
		return fmt.Errorf("it has %d bits a sample, want 8", body[0])
	case n != 1 && n != 3 && n != 4:
		return fmt.Errorf("it has %d components, want 1, 3 or 4", n)
	}
	return nil
}

// jpegSegment is a marker and what belongs to it.
type jpegSegment struct {
	kind  byte
	start int // in the file
	body  []byte
}

// jpegSegments yields the segments up to the end of the picture.
func jpegSegments(data []byte) iter.Seq[jpegSegment] {
	return func(yield func(jpegSegment) bool) {
		for at := 2; ; {
			// Pixels, and what else lies between segments, are passed over.
			i := bytes.IndexByte(data[at:], 0xff)
			if i < 0 || at+i+1 >= len(data) {
				return
			}
			at += i
			kind := data[at+1]
			switch {
			case kind == 0xff: // filling
				at++
				continue
			case kind <= 1 || kind >= markerRST0 && kind <= markerSOI:
				at += 2
				continue
			case kind == markerEOI || at+4 > len(data):
				return
			}
			n := int(binary.BigEndian.Uint16(data[at+2:]))
			if n < 2 || at+2+n > len(data) || !yield(jpegSegment{kind, at, data[at+4 : at+2+n]}) {
				return
			}
			at += 2 + n
		}
	}
}

var (
	// startJFIF makes the decoder keep three components as they are stored.
	startJFIF = []byte{0xff, markerSOI, 0xff, markerAPP0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0}
	// startAdobe makes it keep four, inverted.
	startAdobe = []byte{0xff, markerSOI, 0xff, markerAdob, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}
)

// decode gets the components as they are stored from the standard decoder, and
// does the rest as libjpeg does.
func (h *jpegHeader) decode(ctx context.Context) (*image.NRGBA, error) {
	start := startJFIF
	if len(h.ids) == 4 {
		start = startAdobe
	}
	img, err := jpeg.Decode(reader(ctx, append([][]byte{start}, h.pieces...)...))
	if kind := jpeg.UnsupportedError(""); errors.As(err, &kind) {
		return nil, fmt.Errorf("%w: its components are sampled %s; want the first at 1x1, 1x2, 2x1, 2x2, 4x1 or 4x2 of the others",
			err, h.samplings())
	}
	if err != nil {
		return nil, err
	}
	dst := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	switch src := img.(type) {
	case *image.Gray:
		return dst, eachRow(ctx, h.height, func(y int) {
			for x, v := range src.Pix[y*src.Stride:][:h.width] {
				setRGB(dst.Pix[y*dst.Stride+4*x:], v, v, v)
			}
		})
	case *image.YCbCr:
		return dst, h.fromThree(ctx, dst, src)
	case *image.CMYK:
		return dst, h.fromFour(ctx, dst, src)
	}
	return nil, errors.New("it is of an unknown colour model")
}

// samplings lists columns and rows of each component.
func (h *jpegHeader) samplings() string {
	var all []string
	for _, s := range h.sampling {
		all = append(all, fmt.Sprintf("%dx%d", s>>4, s&0x0f))
	}
	return strings.Join(all, ", ")
}

func (h *jpegHeader) fromThree(ctx context.Context, dst *image.NRGBA, src *image.YCbCr) error {
	scaleX, scaleY := chromaScale(src.SubsampleRatio)
	cb := newUpsampler(plane{src.Cb, src.CStride, 1}, h.width, h.height, scaleX, scaleY)
	cr := newUpsampler(plane{src.Cr, src.CStride, 1}, h.width, h.height, scaleX, scaleY)
	isRGB := h.isRGB()
	return eachRow(ctx, h.height, func(y int) {
		first, second, third := src.Y[y*src.YStride:][:h.width], cb.row(y)[:h.width], cr.row(y)[:h.width]
		pix := dst.Pix[y*dst.Stride:][:4*h.width]
		if isRGB {
			for x, v := range first {
				setRGB(pix[4*x:], v, second[x], third[x])
			}
			return
		}
		for x, v := range first {
			r, g, b := fromYCC(v, second[x], third[x])
			setRGB(pix[4*x:], r, g, b)
		}
	})
}

// isRGB tells RGB from YCbCr as libjpeg does.
func (h *jpegHeader) isRGB() bool {
	switch {
	case h.jfif:
		return false
	case h.transform >= 0:
		return h.transform == 0
	}
	return string(h.ids) == "RGB"
}

// fromFour converts CMYK, or YCbCr and black where Adobe's segment says so. The
// decoder gives the components inverted, with each sample of those of fewer
// samples repeated.
func (h *jpegHeader) fromFour(ctx context.Context, dst *image.NRGBA, src *image.CMYK) error {
	scale := h.commonScale()
	second := newUpsampler(plane{src.Pix[1:], scale * src.Stride, scale * 4}, h.width, h.height, scale, scale)
	third := newUpsampler(plane{src.Pix[2:], scale * src.Stride, scale * 4}, h.width, h.height, scale, scale)
	isYCCK := h.transform > 0
	return eachRow(ctx, h.height, func(y int) {
		m, ye := second.row(y), third.row(y)
		pix, in := dst.Pix[y*dst.Stride:], src.Pix[y*src.Stride:]
		for x := range h.width {
			c, m, ye, k := in[4*x], m[x], ye[x], in[4*x+3]
			if isYCCK {
				c, m, ye = fromYCC(255-c, 255-m, 255-ye)
			}
			setRGB(pix[4*x:], inked(c, k), inked(m, k), inked(ye, k))
		}
	})
}

// commonScale is how many columns, and rows, share a sample of the second and
// third of four components; the decoder takes no others.
func (h *jpegHeader) commonScale() int {
	if h.sampling[0] == 0x22 && h.sampling[1] == 0x11 {
		return 2
	}
	return 1
}
