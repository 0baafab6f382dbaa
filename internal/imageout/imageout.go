// Package imageout writes pictures to files of several formats, with texts in
// them that package imagefile reads.
package imageout

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/HugoSmits86/nativewebp"

	"github.com/df65613c/easel/internal/imagefile"
)

// Format is a format that Encode writes.
type Format string

// The formats, by the end of a file's name.
const (
	PNG  Format = "png"
	JPEG Format = "jpg"
	WebP Format = "webp" // without loss
)

// formatsByEnd are the formats by what names of files end in.
var formatsByEnd = map[string]Format{".png": PNG, ".jpg": JPEG, ".jpeg": JPEG, ".webp": WebP}

// FormatOf returns the format that the end of a file's name stands for.
func FormatOf(path string) (Format, error) {
	if f, ok := formatsByEnd[strings.ToLower(filepath.Ext(path))]; ok {
		return f, nil
	}
	return "", fmt.Errorf("%s: want a name that ends in .png, .jpg, .jpeg or .webp", path)
}

// Detect returns the format of a file that Encode could have written.
func Detect(data []byte) (Format, error) {
	for start, f := range map[string]Format{"\x89PNG": PNG, "\xff\xd8\xff": JPEG, "RIFF": WebP} {
		if bytes.HasPrefix(data, []byte(start)) {
			return f, nil
		}
	}
	return "", errors.New("is of no format that is written here, want PNG, JPEG or WebP")
}

// jpegQuality is that of the JPEGs that Encode writes.
const jpegQuality = 95

// ErrTextTooLong says that a format has no room for the texts.
var ErrTextTooLong = errors.New("the texts are too long for the format; a PNG or WebP holds them")

// Encode writes an opaque picture with texts. A JPEG holds less than 64 KiB of
// them: more is ErrTextTooLong, before anything is written.
func Encode(w io.Writer, f Format, img image.Image, texts []imagefile.Text) error {
	switch f {
	case PNG:
		return imagefile.EncodePNG(w, img, texts)
	case JPEG:
		return encodeJPEG(w, img, texts)
	case WebP:
		return encodeWebP(w, img, texts)
	}
	return fmt.Errorf("no format %q to write; there are png, jpg, webp", string(f))
}

// encodeJPEG puts the texts behind the start of the picture.
func encodeJPEG(w io.Writer, img image.Image, texts []imagefile.Text) error {
	const startSize, lengthSize = 2, 2
	const app1 = "\xff\xe1" // the segment of EXIF data
	var exif []byte
	if len(texts) > 0 {
		exif = append([]byte(imagefile.EXIFPrefix), imagefile.EncodeEXIF(texts)...)
		if len(exif)+lengthSize > 0xffff {
			return ErrTextTooLong
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality}); err != nil {
		return err
	}
	pieces := [][]byte{b.Bytes()}
	if exif != nil {
		head := append(bytes.Clone(b.Bytes()[:startSize]), app1...)
		head = binary.BigEndian.AppendUint16(head, uint16(len(exif)+lengthSize))
		pieces = [][]byte{head, exif, b.Bytes()[startSize:]}
	}
	return writeAll(w, pieces)
}

// encodeWebP puts the pixels into the extended form, which has room for texts.
func encodeWebP(w io.Writer, img image.Image, texts []imagefile.Text) error {
	var b bytes.Buffer
	if err := nativewebp.Encode(&b, img, nil); err != nil {
		return err
	}
	if len(texts) == 0 {
		return writeAll(w, [][]byte{b.Bytes()})
	}
	const hasEXIF, headerSize = 1 << 3, 10
	const riffHeader = 12 // what follows is one chunk of pixels
	header := make([]byte, headerSize)
	header[0] = hasEXIF
	for i, side := range []int{img.Bounds().Dx(), img.Bounds().Dy()} {
		header[4+3*i], header[5+3*i], header[6+3*i] = uint8(side-1), uint8((side-1)>>8), uint8((side-1)>>16)
	}
	body := slices.Concat([]byte("WEBP"), riffChunk("VP8X", header), b.Bytes()[riffHeader:],
		riffChunk("EXIF", imagefile.EncodeEXIF(texts)))
	return writeAll(w, [][]byte{riffChunk("RIFF", body)})
}

// riffChunk returns a chunk, of an even length.
func riffChunk(kind string, body []byte) []byte {
	chunk := binary.LittleEndian.AppendUint32([]byte(kind), uint32(len(body)))
	chunk = append(chunk, body...)
	return append(chunk, make([]byte, len(body)%2)...)
}

func writeAll(w io.Writer, pieces [][]byte) error {
	for _, p := range pieces {
		if _, err := w.Write(p); err != nil {
			return err
		}
	}
	return nil
}
