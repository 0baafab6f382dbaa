package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/draw"
)

// orientation returns what EXIF says about which way up a picture is, 1 to 8,
// and 1 where it says nothing.
func orientation(data []byte) int {
	exif := exifOf(data)
	if len(exif) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(exif[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := uint64(order.Uint32(exif[4:]))
	if at+2 > uint64(len(exif)) {
		return 1
	}
	const tag, short, entry = 0x112, 3, 12
	n := int(order.Uint16(exif[at:]))
	entries := exif[at+2:]
	for i := 0; i < n && (i+1)*entry <= len(entries); i++ {
		e := entries[i*entry:]
		if order.Uint16(e) == tag && order.Uint16(e[2:]) == short {
			if v := int(order.Uint16(e[8:])); v >= 1 && v <= 8 {
				return v
			}
		}
	}
	return 1
}

// exifOf returns the EXIF data of a JPEG, PNG or WebP, or nil.
func exifOf(data []byte) []byte {
	const mark = "Exif\x00\x00"
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xd8")):
		for at := 2; at+4 <= len(data) && data[at] == 0xff && data[at+1] != 0xda; {
			size := int(binary.BigEndian.Uint16(data[at+2:]))
			end := at + 2 + size
			if size < 2 || end > len(data) {
				return nil
			}
			if body, ok := bytes.CutPrefix(data[at+4:end], []byte(mark)); ok && data[at+1] == 0xe1 {
				return body
			}
			at = end
		}
	case bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")):
		for at := uint64(8); at+12 <= uint64(len(data)); {
			size := uint64(binary.BigEndian.Uint32(data[at:]))
			end := at + 8 + size
			if end > uint64(len(data)) {
				return nil
			}
			if string(data[at+4:at+8]) == "eXIf" {
				return data[at+8 : end]
			}
			at = end + 4
		}
	case bytes.HasPrefix(data, []byte("RIFF")) && len(data) > 12:
		for at := uint64(12); at+8 <= uint64(len(data)); {
			size := uint64(binary.LittleEndian.Uint32(data[at+4:]))
			end := at + 8 + size
			if end > uint64(len(data)) {
				return nil
			}
			if string(data[at:at+4]) == "EXIF" {
				return bytes.TrimPrefix(data[at+8:end], []byte(mark))
			}
			at = end + size%2
		}
	}
	return nil
}

// turned returns a picture the way up that an orientation says.
func turned(img image.Image, orientation int) image.Image {
	if orientation == 1 {
		return img
	}
	b := img.Bounds()
	w, h := b.Dx(), b.Dy()
	src := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(src, src.Bounds(), img, b.Min, draw.Src)
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewNRGBA(size)
	for y := range h {
		for x := range w {
			var dx, dy int
			switch orientation {
			case 2:
				dx, dy = w-1-x, y
			case 3:
				dx, dy = w-1-x, h-1-y
			case 4:
				dx, dy = x, h-1-y
			case 5:
				dx, dy = y, x
			case 6:
				dx, dy = h-1-y, x
			case 7:
				dx, dy = h-1-y, w-1-x
			case 8:
				dx, dy = y, w-1-x
			}
			copy(dst.Pix[dst.PixOffset(dx, dy):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return dst
}
