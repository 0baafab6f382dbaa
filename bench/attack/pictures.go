package attack

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/png"
)

// encodePNG encodes a picture whose encoding can't fail.
func encodePNG(img image.Image) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func flatPNG(w, h int) []byte { return encodePNG(image.NewGray(image.Rect(0, 0, w, h))) }

// deepPNG has 8 bytes a pixel, all zeros.
func deepPNG(w, h int) []byte { return encodePNG(image.NewNRGBA64(image.Rect(0, 0, w, h))) }

const (
	pngHeader = 8 + 25 // signature and the chunk IHDR
	pngEnd    = 12     // the chunk IEND
)

// chunk appends a chunk of PNG.
func chunk(b []byte, kind string, data []byte) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
	start := len(b)
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

// changed returns a PNG with another byte in its header.
func changed(b []byte, at int, to ...byte) []byte {
	header := append([]byte(nil), b[16:pngHeader-4]...)
	copy(header[at:], to)
	return append(chunk(append([]byte(nil), b[:8]...), "IHDR", header), b[pngHeader:]...)
}

// largePNG says that it is size x size, and has little in it.
func largePNG(size int) []byte {
	side := binary.BigEndian.AppendUint32(nil, uint32(size))
	return changed(flatPNG(8, 8), 0, append(side, side...)...)
}

func interlaced(b []byte) []byte { return changed(b, 12, 1) }

// textPNG has a compressed text of n zeros.
func textPNG(size int) []byte {
	b := flatPNG(8, 8)
	var text bytes.Buffer
	z := zlib.NewWriter(&text)
	_, _ = z.Write(make([]byte, size)) // into memory
	_ = z.Close()
	out := chunk(append([]byte(nil), b[:pngHeader]...), "zTXt", append([]byte("easel\x00\x00"), text.Bytes()...))
	return append(out, b[pngHeader:]...)
}

// chunksPNG has n texts.
func chunksPNG(n int) []byte {
	b := flatPNG(8, 8)
	out := append([]byte(nil), b[:pngHeader]...)
	for range n {
		out = chunk(out, "tEXt", []byte("a\x00b"))
	}
	return append(out, b[pngHeader:]...)
}

// scansJPEG is a progressive JPEG of one component. Each scan has 19 bytes, and
// makes a decoder go over all blocks: all of them end at once.
func scansJPEG(w, h, scans int) []byte {
	segment := func(b []byte, marker byte, data ...byte) []byte {
		return append(binary.BigEndian.AppendUint16(append(b, 0xff, marker), uint16(len(data)+2)), data...)
	}
	b := []byte{0xff, 0xd8}
	quant := make([]byte, 65)
	for i := range 64 {
		quant[i+1] = 1
	}
	b = segment(b, 0xdb, quant...)
	b = segment(b, 0xc2, 8, byte(h>>8), byte(h), byte(w>>8), byte(w), 1, 1, 0x11, 0)
	// Codes of one bit: a difference of 0 for DC, a run of 32,767 ended blocks for AC.
	dc := append([]byte{0x00, 1}, make([]byte, 15)...)
	b = segment(b, 0xc4, append(dc, 0)...)
	ac := append([]byte{0x10, 1}, make([]byte, 15)...)
	b = segment(b, 0xc4, append(ac, 0xe0)...)
	blocks := ((w + 7) / 8) * ((h + 7) / 8)
	b = segment(b, 0xda, 1, 1, 0, 0, 0, 0)
	b = append(b, make([]byte, min(blocks/8+1, 1<<17))...)
	for range scans {
		b = segment(b, 0xda, 1, 1, 0, 1, 63, 0)
		for left := blocks; left > 0; left -= 32767 {
			b = append(b, 0x7f, 0xfe) // the code, and 14 bits of the run
		}
	}
	return append(b, 0xff, 0xd9)
}

// largeWebP is a lossless WebP that says it is of the largest size.
func largeWebP() []byte {
	return []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\xff\xff\xff\x0f\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
}

// framesGIF has n pictures.
func framesGIF(w, h, n int) []byte {
	frame := image.NewPaletted(image.Rect(0, 0, w, h), color.Palette{color.Black, color.White})
	small := image.NewPaletted(image.Rect(0, 0, 1, 1), frame.Palette)
	g := gif.GIF{Image: []*image.Paletted{frame}, Delay: []int{0}}
	for range n {
		g.Image, g.Delay = append(g.Image, small), append(g.Delay, 0)
	}
	var b bytes.Buffer
	if err := gif.EncodeAll(&b, &g); err != nil {
		panic(err)
	}
	return b.Bytes()
}
