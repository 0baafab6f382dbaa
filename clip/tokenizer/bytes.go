package tokenizer

import (
	"strings"
	"unicode/utf8"
)

// byteRunes spells each byte as a printable character, as GPT-2 does, so that a vocabulary can be text.
// runeBytes is its inverse.
var byteRunes, runeBytes = byteAlphabet()

func byteAlphabet() (runes [256]rune, bytes map[rune]byte) {
	bytes = make(map[rune]byte, 256)
	next := rune(256)
	for b := range runes {
		r := rune(b)
		if !('!' <= r && r <= '~' || 0xA1 <= r && r <= 0xAC || 0xAE <= r && r <= 0xFF) {
			r = next
			next++
		}
		runes[b] = r
		bytes[r] = byte(b)
	}
	return runes, bytes
}

// appendBytes appends the bytes that token spells, or its own if a character of it is not of the byte alphabet.
func appendBytes(dst []byte, token string) []byte {
	n := len(dst)
	for _, r := range token {
		b, ok := runeBytes[r]
		if !ok {
			return append(dst[:n], token...)
		}
		dst = append(dst, b)
	}
	return dst
}

// replaceInvalid puts U+FFFD for each maximal subpart of an ill-formed UTF-8 sequence (Unicode 3.9, table 3-8).
func replaceInvalid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		if r == utf8.RuneError && n == 1 {
			n = subpart(s)
		}
		b.WriteRune(r)
		s = s[n:]
	}
	return b.String()
}

// subpart returns the length of the ill-formed sequence that s begins with: as many bytes as could begin a character.
func subpart(s string) int {
	n := 1
	for n < min(len(s), utf8.UTFMax) && !utf8.FullRuneInString(s[:n]) && !utf8.RuneStart(s[n]) {
		n++
	}
	if n > 1 && utf8.FullRuneInString(s[:n]) { // the last byte is what made it ill-formed
		n--
	}
	return n
}
