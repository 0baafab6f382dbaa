package prompt

import (
	"html"
	"regexp"
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
// (NFC).
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
	case r < ' ' && r != '\t' && r != '\n' && r != '\f' && r != '\r', r == 0x7f, r >= 0x206a && r < 0x2070, r == 0xfeff,
		r >= 0xfff9 && r < 0xfffd:
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
		if r := runes[i]; !unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) && r != '\'' && r != '.' &&
			r != ':' && r != '·' {
			return unicode.In(r, unicode.Lu, unicode.Ll, unicode.Lt)
		}
	}
	return false
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}
