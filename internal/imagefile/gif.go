package imagefile

import (
	"bytes"
	"compress/lzw"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"io"
	"iter"
)

// gifScreenSize is the length of signature and logical screen descriptor.
const gifScreenSize = 13

func isGIF(data []byte) bool {
	return bytes.HasPrefix(data, []byte("GIF87a")) || bytes.HasPrefix(data, []byte("GIF89a"))
}

// gifFrame is the first frame of a GIF. The standard decoder loses the colour
// of what is transparent, and refuses frames that leave the canvas.
type gifFrame struct {
	header
	frame       image.Rectangle
	interlaced  bool
	colors      [256][3]uint8
	transparent int // the colour that is; -1 is none
	data        []byte
}

var errNoFrame = errors.New("it ends before its first frame")

// readGIF reads everything up to the first frame's pixels.
func readGIF(data []byte) (*gifFrame, error) {
	if len(data) < gifScreenSize {
		return nil, errNoFrame
	}
	g := &gifFrame{header: header{passes: 1}, transparent: -1}
	g.width, g.height = int(binary.LittleEndian.Uint16(data[6:])), int(binary.LittleEndian.Uint16(data[8:]))
	for i := range g.colors {
		g.colors[i] = [3]uint8{uint8(i), uint8(i), uint8(i)} // without a palette
	}
	rest := g.readColors(data[10], data[gifScreenSize:])
	for len(rest) > 0 {
		switch rest[0] {
		case ',':
			return g, g.readDescriptor(rest[1:])
		case '!':
			rest = g.readExtension(rest[1:])
		case ';':
			return nil, errNoFrame
		default:
			rest = rest[1:] // skipped, as Pillow does
		}
	}
	return nil, errNoFrame
}

// readColors reads the palette that flags announce, and returns what is behind it.
func (g *gifFrame) readColors(flags byte, data []byte) []byte {
	if flags&0x80 == 0 {
		return data
	}
	g.colors = [256][3]uint8{} // black past the palette's end
	for i := range 1 << (flags&7 + 1) {
		if len(data) < 3 {
			return nil
		}
		g.colors[i] = [3]uint8(data)
		data = data[3:]
	}
	return data
}

// gifExtensions yields the extensions up to the first frame: their label, and
// what their blocks hold.
func gifExtensions(data []byte) iter.Seq2[byte, []byte] {
	return func(yield func(byte, []byte) bool) {
		if len(data) < gifScreenSize {
			return
		}
		rest := new(gifFrame).readColors(data[10], data[gifScreenSize:])
		for len(rest) > 1 && rest[0] == '!' {
			label, body := rest[1], []byte(nil)
			rest = rest[2:]
			for len(rest) > 0 && rest[0] != 0 {
				n := min(1+int(rest[0]), len(rest))
				body = append(body, rest[1:n]...)
				rest = rest[n:]
			}
			rest = rest[min(1, len(rest)):]
			if !yield(label, body) {
				return
			}
		}
	}
}

// readExtension looks for the transparent colour, and returns what is behind.
func (g *gifFrame) readExtension(data []byte) []byte {
	const graphicControl = 0xf9
	if len(data) >= 6 && data[0] == graphicControl && data[1] >= 4 && data[2]&1 != 0 {
		g.transparent = int(data[5])
	}
	data = data[min(1, len(data)):]
	for len(data) > 0 && data[0] != 0 {
		data = data[min(1+int(data[0]), len(data)):]
	}
	return data[min(1, len(data)):]
}

func (g *gifFrame) readDescriptor(data []byte) error {
	const size = 9
	if len(data) < size {
		return errNoFrame
	}
	at := func(i int) int { return int(binary.LittleEndian.Uint16(data[i:])) }
	g.frame = image.Rect(at(0), at(2), at(0)+at(4), at(2)+at(6))
	g.width, g.height = max(g.width, g.frame.Max.X), max(g.height, g.frame.Max.Y)
	g.interlaced = data[8]&0x40 != 0
	g.data = g.readColors(data[8], data[size:])
	if len(g.data) == 0 {
		return errNoFrame
	}
	if w := g.data[0]; w < 1 || w > 8 {
		return fmt.Errorf("its pixels are of %d bits", w)
	}
	return nil
}

// decode draws the frame on a canvas of the transparent colour, or the first.
func (g *gifFrame) decode(ctx context.Context) (*image.NRGBA, error) {
	pixels := lzw.NewReader(&gifBlocks{r: reader(ctx, g.data[1:])}, lzw.LSB, int(g.data[0]))
	dst := image.NewNRGBA(image.Rect(0, 0, g.width, g.height))
	err := eachRow(ctx, g.height, func(y int) {
		for x := range g.width {
			g.set(dst.Pix[y*dst.Stride+4*x:], max(g.transparent, 0))
		}
	})
	if err != nil {
		return nil, err
	}
	row := make([]byte, g.frame.Dx())
	for y := range g.rows() {
		if _, err := io.ReadFull(pixels, row); err != nil {
			return nil, noEOF(err)
		}
		pix := dst.Pix[(g.frame.Min.Y+y)*dst.Stride+4*g.frame.Min.X:]
		for x, v := range row {
			g.set(pix[4*x:], int(v))
		}
	}
	return dst, nil
}

// set sets a pixel to a colour of the palette.
func (g *gifFrame) set(pix []byte, color int) {
	c := g.colors[color]
	setRGB(pix, c[0], c[1], c[2])
	if color == g.transparent {
		pix[3] = 0
	}
}

// rows yields the frame's rows in the order in which they are stored.
func (g *gifFrame) rows() iter.Seq[int] {
	passes := [][2]int{{0, 1}} // first row, step
	if g.interlaced {
		passes = [][2]int{{0, 8}, {4, 8}, {2, 4}, {1, 2}}
	}
	return func(yield func(int) bool) {
		for _, p := range passes {
			for y := p[0]; y < g.frame.Dy(); y += p[1] {
				if !yield(y) {
					return
				}
			}
		}
	}
}

// gifBlocks joins the blocks of at most 255 bytes into which GIF cuts data.
type gifBlocks struct {
	r    io.Reader
	left int // in this block
}

func (b *gifBlocks) Read(p []byte) (int, error) {
	if b.left == 0 {
		var n [1]byte
		if _, err := io.ReadFull(b.r, n[:]); err != nil {
			return 0, err
		}
		if b.left = int(n[0]); b.left == 0 {
			return 0, io.EOF
		}
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// noEOF says that data end where more is due.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
