package tokenizer

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalize composes s (NFC), puts one space for each run of white space, and lowers letters one by one.
func normalize(s string) string {
	s = nfc(s)
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		wasSpace := space
		space = unicode.IsSpace(r)
		switch {
		case !space:
			appendLower(&b, r)
		case !wasSpace:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

// appendLower writes a letter in lower case, whatever is around it.
func appendLower(b *strings.Builder, r rune) {
	switch {
	case r < utf8.RuneSelf:
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		b.WriteByte(byte(r))
	case r == 'İ': // the one letter whose lower case is two code points
		b.WriteString("i\u0307")
	default:
		b.WriteRune(lowerCase.ToLower(r))
	}
}

// nfc is Normalization Form C as Unicode 9 had it (see inert). norm.NFC alone would not do: it follows a later
// Unicode, and breaks runs of more than 30 combining marks with U+034F (Stream-Safe Text, UAX #15).
func nfc(s string) string {
	// What is composed by the later tables is composed by the earlier ones, whose order and pairs are a part of theirs.
	if norm.NFC.IsNormalString(s) {
		return s
	}
	runes := make([]rune, 0, len(s))
	for _, r := range s {
		if r < utf8.RuneSelf || unicode.Is(inert, r) {
			runes = append(runes, r)
			continue
		}
		for _, d := range norm.NFD.String(string(r)) {
			runes = append(runes, d)
		}
	}
	orderMarks(runes)
	return string(compose(runes))
}

// orderMarks sorts each run of combining marks by combining class.
func orderMarks(runes []rune) {
	for i := 0; i < len(runes); {
		start := i
		for i < len(runes) && combiningClass(runes[i]) != 0 {
			i++
		}
		if i-start > 1 {
			slices.SortStableFunc(runes[start:i], func(a, b rune) int {
				return int(combiningClass(a)) - int(combiningClass(b))
			})
		}
		if i == start {
			i++
		}
	}
}

// compose joins starters with what follows them, unless a mark of the same or a higher class stands between. It overwrites runes.
func compose(runes []rune) []rune {
	out := runes[:0]
	starter, last := -1, uint8(0) // position of the last starter, class of the last rune
	for _, r := range runes {
		class := combiningClass(r)
		if starter >= 0 && (starter == len(out)-1 || last < class) {
			if c, ok := composePair(out[starter], r); ok {
				out[starter] = c
				continue
			}
		}
		if class == 0 {
			starter = len(out)
		}
		last = class
		out = append(out, r)
	}
	return out
}

func composePair(a, b rune) (rune, bool) {
	if b < 0x300 || unicode.Is(inert, a) || unicode.Is(inert, b) { // nothing below U+0300 combines
		return 0, false
	}
	var buf, dst [2 * utf8.UTFMax]byte
	pair := utf8.AppendRune(utf8.AppendRune(buf[:0], a), b)
	s := norm.NFC.Append(dst[:0], pair...)
	r, n := utf8.DecodeRune(s)
	return r, n == len(s)
}

func combiningClass(r rune) uint8 {
	if r < 0x300 || unicode.Is(inert, r) {
		return 0
	}
	var buf [utf8.UTFMax]byte
	return norm.NFD.Properties(utf8.AppendRune(buf[:0], r)).CCC()
}
