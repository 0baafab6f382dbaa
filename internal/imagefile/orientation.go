package imagefile

import (
	"bytes"
	"encoding/binary"
	"image"
	"regexp"
)

// orientationTag is EXIF's tag of the orientation.
const orientationTag = 0x0112

// exifPrefix stands before EXIF data in JPEG, and in some other files.
const exifPrefix = "Exif\x00\x00"

// orientationOf returns the orientation that EXIF data hold, else that of XMP,
// else 0. Data that are damaged hold none.
func orientationOf(exif, xmp []byte) int {
	if o := exifOrientation(exif); o != 0 {
		return o
	}
	return xmpOrientation(xmp)
}

// exifOrientation reads the first directory of a TIFF header.
func exifOrientation(data []byte) int {
	for bytes.HasPrefix(data, []byte(exifPrefix)) {
		data = data[len(exifPrefix):]
	}
	var order binary.ByteOrder
	switch {
	case bytes.HasPrefix(data, []byte("II*\x00")):
		order = binary.LittleEndian
	case bytes.HasPrefix(data, []byte("MM\x00*")):
		order = binary.BigEndian
	default:
		return 0
	}
	const entrySize = 12 // tag, type, count, value
	if len(data) < 8 {
		return 0
	}
	at := int64(order.Uint32(data[4:]))
	if at+2 > int64(len(data)) {
		return 0
	}
	entries := data[at+2:]
	for range order.Uint16(data[at:]) {
		if len(entries) < entrySize {
			return 0
		}
		e := entries[:entrySize]
		entries = entries[entrySize:]
		if order.Uint16(e) != orientationTag || order.Uint32(e[4:]) != 1 {
			continue
		}
		switch order.Uint16(e[2:]) {
		case 3, 8: // 16 bits, unsigned and signed
			return int(order.Uint16(e[8:]))
		case 4, 9: // 32 bits
			return int(order.Uint32(e[8:]))
		}
	}
	return 0
}

var xmpPattern = regexp.MustCompile(`tiff:Orientation(?:="|>)([0-9])`)

func xmpOrientation(xmp []byte) int {
	if m := xmpPattern.FindSubmatch(xmp); m != nil {
		return int(m[1][0] - '0')
	}
	return 0
}

// orient turns a picture as its orientation says. It may return src.
func orient(src *image.NRGBA, orientation int) *image.NRGBA {
	if orientation < 2 || orientation > 8 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	dstW, dstH := w, h
	if orientation >= 5 { // rows become columns
		dstW, dstH = h, w
	}
	dst := image.NewNRGBA(image.Rect(0, 0, dstW, dstH))
	for y := range dstH {
		for x := range dstW {
			sx, sy := x, y
			if orientation >= 5 {
				sx, sy = y, x
			}
			switch orientation {
			case 2, 3, 7, 8:
				sx = w - 1 - sx
			}
			switch orientation {
			case 3, 4, 6, 7:
				sy = h - 1 - sy
			}
			copy(dst.Pix[y*dst.Stride+4*x:][:4], src.Pix[sy*src.Stride+4*sx:][:4])
		}
	}
	return dst
}
