package imagefile

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/png"
	"io"
)

// headerEnd is where the chunks after IHDR begin.
const headerEnd = len(pngSignature) + 4 + 4 + 13 + 4

// EncodePNG writes img as PNG with the given texts, as uncompressed iTXt chunks.
func EncodePNG(w io.Writer, img image.Image, texts []Text) error {
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return err
	}
	data := buf.Bytes()
	if _, err := w.Write(data[:headerEnd]); err != nil {
		return err
	}
	for _, t := range texts {
		// No compression, no language, no translated keyword.
		body := append([]byte(t.Keyword), 0, 0, 0, 0, 0)
		if err := writeChunk(w, "iTXt", append(body, t.Text...)); err != nil {
			return err
		}
	}
	_, err := w.Write(data[headerEnd:])
	return err
}

func writeChunk(w io.Writer, kind string, body []byte) error {
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	chunk = append(append(chunk, kind...), body...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	_, err := w.Write(chunk)
	return err
}

// pngTexts reads the texts of a PNG: its tEXt, zTXt and iTXt chunks, and EXIF data.
func pngTexts(data []byte) (texts []Text, err error) {
	total := 0
	for c := range pngChunks(data[len(pngSignature):]) {
		switch c.kind {
		case "IEND":
			return texts, nil
		case "eXIf":
			texts = append(texts, exifTexts(c.body)...)
		case "tEXt", "zTXt", "iTXt":
			t, ok := c.parseText(min(maxText, maxTexts-total))
			if !ok {
				continue
			}
			if total += len(t.Text); total >= maxTexts {
				return nil, fmt.Errorf("holds more than %d MiB of text", maxTexts>>20)
			}
			texts = append(texts, t)
		}
	}
	return nil, errors.New("is a PNG that is cut short")
}

// parseText reads the text of a chunk, of most bytes at most.
func (c pngChunk) parseText(most int) (Text, bool) {
	keyword, rest, ok := bytes.Cut(c.body, []byte{0})
	if !ok {
		return Text{}, false
	}
	switch c.kind {
	case "tEXt":
		return Text{string(keyword), latin1(rest)}, true
	case "zTXt":
		if len(rest) < 1 || rest[0] != 0 {
			return Text{}, false
		}
		plain, err := inflate(rest[1:], most)
		return Text{string(keyword), latin1(plain)}, err == nil
	}
	if len(rest) < 2 || rest[1] != 0 {
		return Text{}, false
	}
	parts := bytes.SplitN(rest[2:], []byte{0}, 3) // language, translated keyword, text
	if len(parts) < 3 {
		return Text{}, false
	}
	if compressed := rest[0] != 0; compressed {
		plain, err := inflate(parts[2], most)
		return Text{string(keyword), string(plain)}, err == nil
	}
	return Text{string(keyword), string(parts[2])}, true
}

// latin1 decodes the encoding that the standard gives tEXt and zTXt.
func latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// inflate unpacks the first bytes of zlib data, most of them at most.
func inflate(b []byte, most int) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, int64(most)))
}
