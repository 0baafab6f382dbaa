package imagefile

import (
	"bytes"
	"strings"
)

// Text is a keyword and its text. The keyword is a PNG's; what other formats
// hold gets the keyword that PNG pictures of the same programs have.
type Text struct{ Keyword, Text string }

// ParametersKey is the keyword under which AUTOMATIC1111's web UI, and what
// reads its pictures, look for their parameters.
const ParametersKey = "parameters"

// commentKey is the keyword of a comment in a format that has a place for one.
const commentKey = "comment"

const (
	// maxText is the longest text that is read, and maxTexts the most of all.
	maxText  = 16 << 20
	maxTexts = 64 << 20
)

// Texts returns the texts in a PNG, JPEG, WebP or GIF.
func Texts(data []byte) ([]Text, error) {
	switch {
	case isPNG(data):
		return pngTexts(data)
	case isJPEG(data):
		return jpegTexts(data), nil
	case isWebP(data):
		return webpTexts(data), nil
	case isGIF(data):
		return gifTexts(data), nil
	case isTIFF(data):
		return exifTexts(data), nil
	case isBMP(data):
		return nil, nil
	}
	return nil, ErrFormat
}

func jpegTexts(data []byte) (texts []Text) {
	var exif []byte
	for s := range jpegSegments(data) {
		switch {
		case s.kind == markerAPP1 && bytes.HasPrefix(s.body, []byte(EXIFPrefix)):
			exif = append(exif, s.body[len(EXIFPrefix):]...)
		case s.kind == markerCOM:
			texts = append(texts, comment(s.body))
		case s.kind == markerSOS:
			return append(exifTexts(exif), texts...)
		}
	}
	return append(exifTexts(exif), texts...)
}

func webpTexts(data []byte) []Text {
	for kind, body := range riffChunks(data[riffHeader:]) {
		if kind == "EXIF" {
			return exifTexts(body)
		}
	}
	return nil
}

func gifTexts(data []byte) (texts []Text) {
	const commentLabel = 0xfe
	for label, body := range gifExtensions(data) {
		if label == commentLabel {
			texts = append(texts, comment(body))
		}
	}
	return texts
}

func exifTexts(data []byte) []Text {
	if e, ok := readEXIF(data); ok {
		return e.texts()
	}
	return nil
}

func comment(text []byte) Text {
	return Text{commentKey, strings.TrimRight(strings.ToValidUTF8(string(text), ""), "\x00")}
}
