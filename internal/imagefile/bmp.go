package imagefile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"math/bits"
	"slices"
)

const (
	bmpFileHeader = 14
	bmpCoreHeader = 12 // OS/2 1.x; all others begin as Windows' of 40 bytes do
	bmpInfoHeader = 40
)

// How a BMP stores its pixels.
const (
	bmpRaw = iota
	bmpRLE8
	bmpRLE4
	bmpBitFields
)

func isBMP(data []byte) bool { return bytes.HasPrefix(data, []byte("BM")) }

// bmpHeader is what the headers of a BMP say. golang.org/x/image/bmp reads
// neither 16 bits, bit fields and run lengths, nor gaps between the parts.
type bmpHeader struct {
	header
	depth   int
	method  uint32
	topDown bool
	masks   [3]uint32 // of red, green and blue, where depth is 16 or more
	colors  [256][3]uint8
	pixels  []byte
}

func readBMPHeader(data []byte) (*bmpHeader, error) {
	errCut := errors.New("its header is cut short")
	if len(data) < bmpFileHeader+bmpCoreHeader {
		return nil, errCut
	}
	info := data[bmpFileHeader:]
	size := int64(binary.LittleEndian.Uint32(info))
	if !slices.Contains([]int64{bmpCoreHeader, bmpInfoHeader, 52, 56, 64, 108, 124}, size) {
		return nil, fmt.Errorf("its header has an unknown length of %d", size)
	}
	if int64(len(info)) < size {
		return nil, errCut
	}
	h := &bmpHeader{header: header{passes: 1}}
	info, rest := info[:size], info[size:]
	colorSize, colors := 4, 0
	if size == bmpCoreHeader {
		h.width, h.height = int(binary.LittleEndian.Uint16(info[4:])), int(binary.LittleEndian.Uint16(info[6:]))
		h.depth, colorSize = int(binary.LittleEndian.Uint16(info[10:])), 3
	} else {
		h.width, h.height = int(int32(binary.LittleEndian.Uint32(info[4:]))), int(int32(binary.LittleEndian.Uint32(info[8:])))
		if h.height < 0 {
			h.height, h.topDown = -h.height, true
		}
		h.depth = int(binary.LittleEndian.Uint16(info[14:]))
		h.method = binary.LittleEndian.Uint32(info[16:])
		colors = int(binary.LittleEndian.Uint32(info[32:]))
	}
	if h.method == bmpBitFields && size == bmpInfoHeader { // the masks follow
		if len(rest) < 12 {
			return nil, errCut
		}
		info, rest = data[bmpFileHeader:], rest[12:]
	}
	if err := h.readMasks(info); err != nil {
		return nil, err
	}
	if h.depth <= 8 {
		if colors == 0 {
			colors = 1 << h.depth
		}
		if colors < 0 || colors > len(rest)/colorSize {
			return nil, errCut
		}
		h.readColors(rest, colorSize, colors)
		rest = rest[colors*colorSize:]
	}
	switch start := int64(binary.LittleEndian.Uint32(data[10:])); {
	case start == bmpFileHeader+size && h.depth <= 8 || start == 0: // no place for the palette, or none is told
		h.pixels = rest
	case start > int64(len(data)):
		return nil, errors.New("it ends before its pixels")
	default:
		h.pixels = data[start:]
	}
	return h, nil
}

// readColors reads the palette. Numbers past its end are black.
func (h *bmpHeader) readColors(data []byte, size, n int) {
	for i := range min(n, len(h.colors)) {
		c := data[i*size:]
		h.colors[i] = [3]uint8{c[2], c[1], c[0]}
	}
}

// readMasks checks how pixels are stored; info holds masks where there are any.
func (h *bmpHeader) readMasks(info []byte) error {
	ok := false
	switch h.method {
	case bmpRaw:
		ok = slices.Contains([]int{1, 2, 4, 8, 16, 24, 32}, h.depth)
	case bmpRLE8:
		ok = h.depth == 8
	case bmpRLE4:
		ok = h.depth == 4
	case bmpBitFields:
		ok = h.depth == 16 || h.depth == 24 || h.depth == 32
	}
	if !ok {
		return fmt.Errorf("it has %d bits a pixel with compression %d, which is not supported", h.depth, h.method)
	}
	h.masks = [3]uint32{0xff0000, 0xff00, 0xff}
	if h.depth == 16 {
		h.masks = [3]uint32{0x7c00, 0x3e0, 0x1f}
	}
	if h.method != bmpBitFields {
		return nil
	}
	var told [3]uint32
	for i := range told {
		told[i] = binary.LittleEndian.Uint32(info[40+4*i:])
		if n := bits.OnesCount32(told[i]); n > 8 || bits.Len32(told[i])-bits.TrailingZeros32(told[i]) != n && told[i] != 0 {
			return fmt.Errorf("its bit mask %#x is not supported", told[i])
		}
	}
	if told != [3]uint32{} {
		h.masks = told
	}
	return nil
}

func (h *bmpHeader) decode(ctx context.Context) (*image.NRGBA, error) {
	dst := image.NewNRGBA(image.Rect(0, 0, h.width, h.height))
	row := func(y int) []byte {
		if !h.topDown {
			y = h.height - 1 - y
		}
		return dst.Pix[y*dst.Stride:][:4*h.width]
	}
	if h.method == bmpRLE8 || h.method == bmpRLE4 {
		return dst, h.decodeRuns(ctx, row)
	}
	stride := (h.width*h.depth + 31) / 32 * 4
	if h.height > (len(h.pixels)+stride-1)/stride || (h.height-1)*stride+(h.width*h.depth+7)/8 > len(h.pixels) {
		return nil, errors.New("it ends within its pixels")
	}
	pixel := h.unpack()
	return dst, eachRow(ctx, h.height, func(y int) {
		src, pix := h.pixels[y*stride:], row(y)
		for x := range h.width {
			c := pixel(src, x)
			setRGB(pix[4*x:], c[0], c[1], c[2])
		}
	})
}

// unpack returns what reads the pixel x of a row.
func (h *bmpHeader) unpack() func(src []byte, x int) [3]uint8 {
	if h.depth <= 8 {
		perByte, mask := 8/h.depth, byte(1<<h.depth-1)
		return func(src []byte, x int) [3]uint8 {
			return h.colors[src[x/perByte]>>((perByte-1-x%perByte)*h.depth)&mask]
		}
	}
	n := h.depth / 8
	return func(src []byte, x int) (c [3]uint8) {
		var v uint32
		for i, b := range src[x*n : x*n+n] {
			v |= uint32(b) << (8 * i)
		}
		for i, mask := range h.masks {
			if most := mask >> bits.TrailingZeros32(mask); most > 0 { // what the mask selects, over all of 255
				c[i] = uint8((v & mask) >> bits.TrailingZeros32(mask) * 255 / most)
			}
		}
		return c
	}
}

// decodeRuns reads run lengths of 4 or 8 bits a pixel.
func (h *bmpHeader) decodeRuns(ctx context.Context, row func(y int) []byte) error {
	const (
		endOfLine = iota
		endOfPicture
		move
	)
	for y := range h.height {
		for x, pix := 0, row(y); x < h.width; x++ {
			setRGB(pix[4*x:], h.colors[0][0], h.colors[0][1], h.colors[0][2])
		}
	}
	x, y, data := 0, 0, h.pixels
	set := func(v byte) {
		if x < h.width {
			c := h.colors[v]
			setRGB(row(y)[4*x:], c[0], c[1], c[2])
		}
		x++
	}
	for y < h.height {
		if len(data) < 2 {
			return errors.New("it ends within its pixels")
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		n, v := int(data[0]), data[1]
		data = data[2:]
		switch {
		case n > 0:
			for i := range n {
				set(h.pixelOf(v, i))
			}
		case v == endOfLine:
			x, y = 0, y+1
		case v == endOfPicture:
			return nil
		case v == move:
			if len(data) < 2 {
				return errors.New("it ends within its pixels")
			}
			x, y, data = x+int(data[0]), y+int(data[1]), data[2:]
		default:
			count := int(v)
			size := (count*h.depth + 15) / 16 * 2 // whole words
			if len(data) < size {
				return errors.New("it ends within its pixels")
			}
			for i := range count {
				set(h.pixelOf(data[i*h.depth/8], i))
			}
			data = data[size:]
		}
	}
	return nil
}

// pixelOf returns the pixel i of those that a byte holds, which alternate
// where there are two.
func (h *bmpHeader) pixelOf(v byte, i int) byte {
	if h.depth == 8 {
		return v
	}
	if i%2 == 0 {
		return v >> 4
	}
	return v & 15
}
