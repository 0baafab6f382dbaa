package prompt

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitAt splits a text at a word that stands alone.
func splitAt(text, word string) (parts []string) {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return append(parts, text)
		}
		i += from
		end := i + len(word)
		before, _ := utf8.DecodeLastRuneInString(text[:i])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if inWord(before) || inWord(after) {
			from = end
			continue
		}
		parts = append(parts, text[:i])
		text, from = text[end:], 0
	}
}

// inWord reports whether a character is of a word, as Python has it.
func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r)
}

// isSpace reports whether a character is white space, as Python has it.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f
}
