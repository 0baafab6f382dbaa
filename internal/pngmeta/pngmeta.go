// Package pngmeta writes and reads the text that a PNG picture carries.
package pngmeta

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

// Signature is what a PNG file begins with.
const Signature = "\x89PNG\r\n\x1a\n"

// headerEnd is where the chunks after IHDR begin.
const headerEnd = len(Signature) + 4 + 4 + 13 + 4

// Text is a keyword and its text.
type Text struct{ Keyword, Text string }

// Encode writes img as PNG with the given texts, as uncompressed iTXt chunks.
func Encode(w io.Writer, img image.Image, texts []Text) error {
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

// maxText is the longest chunk that Decode reads.
const maxText = 16 << 20

// Decode reads the texts of a PNG: its tEXt, zTXt and iTXt chunks.
func Decode(r io.Reader) ([]Text, error) {
	head := make([]byte, len(Signature))
	if _, err := io.ReadFull(r, head); err != nil || string(head) != Signature {
		return nil, errors.New("not a PNG file")
	}
	var texts []Text
	for {
		var h [8]byte
		if _, err := io.ReadFull(r, h[:]); err != nil {
			return nil, fmt.Errorf("PNG is cut short: %w", err)
		}
		n, kind := int64(binary.BigEndian.Uint32(h[:])), string(h[4:])
		if kind == "IEND" {
			return texts, nil
		}
		if (kind != "tEXt" && kind != "zTXt" && kind != "iTXt") || n > maxText {
			if _, err := io.CopyN(io.Discard, r, n+4); err != nil {
				return nil, fmt.Errorf("PNG is cut short: %w", err)
			}
			continue
		}
		body := make([]byte, n+4)
		if _, err := io.ReadFull(r, body); err != nil {
			return nil, fmt.Errorf("PNG is cut short: %w", err)
		}
		if t, ok := parseText(kind, body[:n]); ok {
			texts = append(texts, t)
		}
	}
}

func parseText(kind string, body []byte) (Text, bool) {
	keyword, rest, ok := bytes.Cut(body, []byte{0})
	if !ok {
		return Text{}, false
	}
	switch kind {
	case "tEXt":
		return Text{string(keyword), latin1(rest)}, true
	case "zTXt":
		if len(rest) < 1 || rest[0] != 0 {
			return Text{}, false
		}
		plain, err := inflate(rest[1:])
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
		plain, err := inflate(parts[2])
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

func inflate(b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.LimitReader(r, maxText))
}
