package prompt

import (
	"bytes"
	"html"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// cleaned returns a text as the tokenizers of AUTOMATIC1111's web UI see it:
// repaired as ftfy does, and for the second encoder with HTML's references
// undone twice. Letters become small ones as Python has it, where the last
// sigma of a word is another letter.
func cleaned(text string, second bool) string {
	text = repaired(text)
	if second {
		text = html.UnescapeString(html.UnescapeString(text))
	}
	return lowered(text)
}

// repaired does what ftfy's fix_text does with its default settings: it undoes
// HTML's references, text that was read in a wrong encoding, ligatures, wide
// letters, curled quotes, odd line ends and control characters, and composes
// (NFC). Of wrong encodings only Windows-1252 and Latin-1 are undone, in which
// nearly all such text is.
func repaired(text string) string {
	var b strings.Builder
	unescape := true
	for line := range strings.SplitAfterSeq(text, "\n") {
		unescape = unescape && !strings.Contains(line, "<") // the rest may be HTML
		b.WriteString(repairedLine(line, unescape))
	}
	return b.String()
}

// mostRepairs is how often a line is looked at again, since one repair can make
// another possible.
const mostRepairs = 8

func repairedLine(s string, unescape bool) string {
	for range mostRepairs {
		before := s
		if unescape {
			s = reference.ReplaceAllStringFunc(s, dereferenced)
		}
		s = reread(s)
		s = terminal.ReplaceAllString(strings.Map(uncontrolled, simpler.Replace(strings.Map(fromC1, s))), "")
		if s = norm.NFC.String(s); s == before {
			break
		}
	}
	return s
}

// reference is a reference to a character in HTML, with its semicolon.
var reference = regexp.MustCompile(`&#?[0-9A-Za-z]{1,24};`)

// dereferenced returns what a reference stands for. Names in capitals that HTML
// doesn't have stand for the capital of what the small ones do.
func dereferenced(ref string) string {
	s := html.UnescapeString(ref)
	switch {
	case s == ";" && ref != "&semi;" || len(s) > 1 && strings.HasSuffix(s, ";"): // not all of it
	case s != ref:
		return s
	}
	if small := strings.ToLower(ref); strings.ToUpper(ref) == ref && ref[1] != '#' {
		if s := html.UnescapeString(small); !strings.HasSuffix(s, ";") {
			return strings.ToUpper(strings.ReplaceAll(s, "ß", "SS"))
		}
	}
	return ref
}

// reread undoes UTF-8 that was read as Windows-1252: the whole text where all
// of it can have been, else each run of characters that makes sense so.
func reread(s string) string {
	if isASCII(s) {
		return s
	}
	read := make([]byte, 0, len(s))
	whole := true
	for _, r := range s {
		b, ok := western(r)
		if !ok {
			whole = false
			break
		}
		read = append(read, b)
	}
	if whole && misread(s) {
		if read = restoreSpaces(read); utf8.Valid(read) {
			return string(read)
		}
	}
	return rereadRuns(s)
}

// restoreSpaces puts back no-break spaces that are the second byte of a letter
// and have become spaces. An "à" was a word, and a space follows it, but for
// some of Portuguese.
func restoreSpaces(s []byte) []byte {
	var out []byte
	for i, c := range s {
		if c != ' ' || i == 0 || bytes.IndexByte([]byte("\xc2\xc3\xc5\xce\xd0\xd9"), s[i-1]) < 0 {
			out = append(out, c)
			continue
		}
		out = append(out, 0xa0)
		if rest := string(s[i+1:]); s[i-1] == 0xc3 && !slices.ContainsFunc([]string{" ", "quele", "quela", "quilo", "s "}, func(p string) bool { return strings.HasPrefix(rest, p) }) {
			out = append(out, ' ')
		}
	}
	return out
}

// rereadRuns undoes each sequence of characters that are the bytes of another.
func rereadRuns(s string) string {
	runes := []rune(s)
	var b strings.Builder
	for i := 0; i < len(runes); {
		var seq [utf8.UTFMax]byte
		n := 0
		for n < len(seq) && i+n < len(runes) {
			c, ok := western(runes[i+n])
			if !ok || n > 0 && utf8.RuneStart(c) || n == 0 && !leads(c) {
				break
			}
			seq[n] = c
			n++
		}
		if r, size := utf8.DecodeRune(seq[:n]); n > 1 && size > 1 && r != utf8.RuneError && misread(string(runes[i:i+size])) {
			b.WriteRune(r)
			i += size
			continue
		}
		b.WriteRune(runes[i])
		i++
	}
	return b.String()
}

// leads reports whether a byte begins UTF-8 of the characters that such text is
// mostly of: Latin, Greek and Cyrillic letters, signs, kana, and emoji.
func leads(c byte) bool {
	return strings.IndexByte("\xc2\xc3\xc4\xc5\xce\xd0\xd1\xe0\xe2\xe3\xef\xf0", c) >= 0
}

// misread reports whether a text looks like UTF-8 that was read as Windows-1252:
// a letter that begins several bytes stands before a sign that is none of a word.
func misread(s string) bool {
	runes := []rune(s)
	for i, r := range runes[:max(len(runes)-1, 0)] {
		b, ok := western(r)
		next, also := western(runes[i+1])
		if ok && also && leads(b) && next >= 0x80 && next < 0xc0 {
			return true
		}
	}
	return false
}

// western returns the byte of a character in Windows-1252, or in Latin-1 where
// that has none.
func western(r rune) (byte, bool) {
	if r >= 0x80 && r < 0xa0 {
		return byte(r), true
	}
	return charmap.Windows1252.EncodeRune(r)
}

// fromC1 returns what Windows-1252 has in the place of a control character.
func fromC1(r rune) rune {
	if r >= 0x80 && r < 0xa0 {
		if c := charmap.Windows1252.DecodeByte(byte(r)); c != utf8.RuneError {
			return c
		}
	}
	return r
}

// terminal is an escape sequence that sets a terminal's colours.
var terminal = regexp.MustCompile("\x1b" + `\[(?:\d|;)*[a-zA-Z]`)

// uncontrolled drops characters that control what is not there.
func uncontrolled(r rune) rune {
	switch {
	case r == '\x1b': // still to be looked at, and dropped by what follows
		return r
	case r < ' ' && r != '\t' && r != '\n' && r != '\f' && r != '\r', r == 0x7f, r >= 0x206a && r < 0x2070, r == 0xfeff, r >= 0xfff9 && r < 0xfffd:
		return -1
	}
	return r
}

// simpler replaces ligatures, letters of another width, curled quotes, and line ends.
var simpler = strings.NewReplacer(simplerPairs()...)

func simplerPairs() []string {
	pairs := []string{
		"Ĳ", "IJ", "ĳ", "ij", "ŉ", "ʼn", "Ǳ", "DZ", "ǲ", "Dz", "ǳ", "dz", "Ǆ", "DŽ", "ǅ", "Dž", "ǆ", "dž", "Ǉ", "LJ", "ǈ", "Lj",
		"ǉ", "lj", "Ǌ", "NJ", "ǋ", "Nj", "ǌ", "nj", "ﬀ", "ff", "ﬁ", "fi", "ﬂ", "fl", "ﬃ", "ffi", "ﬄ", "ffl", "ﬅ", "ſt", "ﬆ", "st",
		"\u02bc", "'", "‘", "'", "’", "'", "‚", "'", "‛", "'", "“", `"`, "”", `"`, "„", `"`, "‟", `"`,
		"\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n", "\u3000", " ",
	}
	for r := rune(0xff01); r < 0xfff0; r++ {
		if s := norm.NFKC.String(string(r)); s != string(r) {
			pairs = append(pairs, string(r), s)
		}
	}
	return pairs
}

// lowered makes small letters of capitals as Python does.
func lowered(s string) string {
	if !strings.Contains(s, "Σ") {
		return s // the tokenizer does the others
	}
	runes := []rune(s)
	for i, r := range runes {
		if r == 'Σ' && besideLetter(runes, i, -1) && !besideLetter(runes, i, +1) {
			runes[i] = 'ς'
		}
	}
	return string(runes)
}

// besideLetter reports whether the next character that counts is a letter.
func besideLetter(runes []rune, i, step int) bool {
	for i += step; i >= 0 && i < len(runes); i += step {
		if r := runes[i]; !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) && r != '\'' && r != '.' && r != ':' && r != '·' {
			return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt)
		}
	}
	return false
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
