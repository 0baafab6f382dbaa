// Package sniff names what a file really holds that was opened as something else:
// the pages and pointers that failed downloads leave, and files of other formats.
package sniff

import (
	"bytes"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// Len is how many leading bytes of a file Name looks at.
const Len = 512

// kinds are the first bytes of files that turn up in the place of others, in
// lower case, and what to tell of each.
var kinds = []struct{ start, what string }{
	{"version https://git-lfs.github.com/spec/",
		"a Git LFS pointer, not the file it stands for: run \"git lfs pull\" in the repository, or download the file itself"},
	{"/annex/objects/", "a git-annex pointer, not the file it stands for: run \"git annex get\""},
	{"<!doctype html", htmlPage},
	{"<html", htmlPage},
	{"<head", htmlPage},
	{"<?xml", "an XML document, such as a server's error message: download the file again"},
	{"pk\x03\x04", "a ZIP archive, as PyTorch's .ckpt, .pt and .bin are, which are read where a checkpoint is opened, or by checkpoint/pickle"},
	{"gguf", "a GGUF file, which is read where a checkpoint is opened, or by checkpoint/gguf"},
	{"\x89hdf\r\n", "an HDF5 file: use the model's safetensors files"},
	{"\x1f\x8b", "compressed with gzip: decompress it first"},
	{"\x28\xb5\x2f\xfd", "compressed with Zstandard: decompress it first"},
}

const htmlPage = "an HTML page, such as a login or error page: download the file again, from its direct link and logged in where it asks for that"

// Name returns what a file with these leading bytes is, where it can tell, and what
// to do about it: else "". The file is known not to be what it was opened as.
func Name(start []byte) string {
	start = start[:min(len(start), Len)]
	if what := Replaced(start); what != "" {
		return what
	}
	text := trimmed(start)
	if len(start) > 2 && start[0] == 0x80 && start[1] >= 2 && start[1] <= 5 { // the protocols of pickle
		return "a Python pickle, as PyTorch's old .ckpt, .pt and .bin are, which are read where a checkpoint is opened, or by checkpoint/pickle"
	}
	if isText(text) {
		return fmt.Sprintf("text that begins %q: download the file again", firstLine(text))
	}
	return ""
}

// Replaced is Name for a file that may be any text: it tells only of empty files and
// of what is known to turn up in the place of others.
func Replaced(start []byte) string {
	if len(start) == 0 {
		return "an empty file: download it again"
	}
	text := trimmed(start)
	for _, k := range kinds {
		if len(text) >= len(k.start) && string(lower(text[:len(k.start)])) == k.start {
			return k.what
		}
	}
	return ""
}

// trimmed leaves out a byte order mark and white space.
func trimmed(start []byte) []byte {
	return bytes.TrimLeftFunc(bytes.TrimPrefix(start, []byte("\ufeff")), unicode.IsSpace)
}

// JSON returns the error of decoding a file as JSON, or one that names what the
// file is instead.
func JSON(data []byte, err error) error {
	text := bytes.TrimSpace(data)
	if err == nil || bytes.HasPrefix(text, []byte("{")) || bytes.HasPrefix(text, []byte("[")) {
		return err
	}
	if what := Name(data); what != "" {
		return fmt.Errorf("no JSON but %s (%w)", what, err)
	}
	return err
}

// lower is bytes.ToLower for ASCII, whatever the other bytes are.
func lower(b []byte) []byte {
	b = bytes.Clone(b)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return b
}

// isText reports whether b begins as words and lines do.
func isText(b []byte) bool {
	if len(b) == 0 {
		return false
	}
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			return len(b) < utf8.UTFMax && !utf8.FullRune(b) // cut in the middle of one
		}
		if !unicode.IsGraphic(r) && !unicode.IsSpace(r) {
			return false
		}
		b = b[n:]
	}
	return true
}

func firstLine(text []byte) string {
	const most = 40
	line, _, _ := bytes.Cut(text, []byte("\n"))
	runes := []rune(string(bytes.TrimSpace(line)))
	return string(runes[:min(len(runes), most)])
}
