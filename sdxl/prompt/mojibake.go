package prompt

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// The tables are ftfy's (Robyn Speer, Apache License 2.0), brought into this form by
// internal/golden/gen/mojibake_tables.py.
//
//go:embed mojibake.json
var mojibakeTables []byte

// mojibake is what ftfy takes for text that was read in a wrong encoding.
type mojibake struct {
	unlikely  *regexp.Regexp // characters that are hardly ever side by side
	sequences *regexp.Regexp // characters whose bytes are UTF-8
	before    *regexp.Regexp // one that these do not follow
}

var knownMojibake = sync.OnceValue(func() mojibake {
	var t struct{ Unlikely, Sequences, Before string }
	if err := json.Unmarshal(mojibakeTables, &t); err != nil {
		panic(err) // it is part of the program
	}
	return mojibake{regexp.MustCompile(t.Unlikely), regexp.MustCompile(t.Sequences), regexp.MustCompile(t.Before)}
})

// byteEncoding is an encoding of one byte a character, with the control characters
// of Latin-1 where it has nothing. A sloppy one has all of Latin-1 there, and U+FFFD for the byte 0x1a, as which a lost one is kept.
type byteEncoding struct {
	charmap *charmap.Charmap
	sloppy  bool
	spaces  bool // a no-break space may have become a space
}

// byteEncodings are those that text is taken to have been read in, in the order in
// which they are tried.
var byteEncodings = []byteEncoding{
	{charmap.ISO8859_1, false, true}, {charmap.Windows1252, true, true}, {charmap.Windows1251, true, true},
	{charmap.Windows1250, true, true}, {charmap.Windows1253, true, true},
	{charmap.Windows1254, true, true}, {charmap.Windows1257, true, true}, {charmap.ISO8859_2, false, true},
	{charmap.Macintosh, false, false}, {charmap.CodePage437, false, true},
}

// encode returns the bytes of a text, if it can have been read so.
func (e byteEncoding) encode(s string) ([]byte, bool) {
	const lost = 0x1a
	out := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := e.charmap.EncodeRune(r)
		switch {
		case e.sloppy && r == utf8.RuneError:
			b = lost
		case e.sloppy && r == lost:
			return nil, false
		case r == utf8.RuneError || !ok:
			if r < 0x80 || r > 0xff || !e.sloppy && r >= 0xa0 || e.charmap.DecodeByte(byte(r)) != utf8.RuneError {
				return nil, false
			}
			b = byte(r)
		}
		out = append(out, b)
	}
	return out, true
}

// reread undoes wrong encodings until nothing is left to undo.
func reread(s string) string {
	for range mostRepairs {
		before := s
		if s = rereadOnce(s); s == before {
			break
		}
	}
	return s
}

func rereadOnce(s string) string {
	known := knownMojibake()
	if isASCII(s) || !known.unlikely.MatchString(s) {
		return s
	}
	for _, e := range byteEncodings {
		read, ok := e.encode(s)
		if !ok {
			continue
		}
		if e.spaces {
			read = restoreSpaces(read)
		}
		if e.sloppy {
			read = []byte(fromLatin1(lossy.ReplaceAllString(toLatin1(read), "\u00ef\u00bf\u00bd")))
		}
		if fixed, ok := decodeUTF8(read); ok {
			return fixed
		}
	}
	if fixed := known.rereadRuns(s); fixed != s {
		return fixed
	}
	return strings.Map(fromC1, s)
}

// rereadRuns undoes runs of characters that are the bytes of others.
func (m mojibake) rereadRuns(s string) string {
	var b strings.Builder
	before := ""
	for rest := s; rest != ""; {
		if run := m.sequences.FindString(rest); run != "" && !m.before.MatchString(before) {
			_, size := utf8.DecodeLastRuneInString(run)
			before, rest = run[len(run)-size:], rest[len(run):]
			if len(run) < len(s) && m.unlikely.MatchString(run) {
				run = reread(run)
			}
			b.WriteString(run)
			continue
		}
		_, size := utf8.DecodeRuneInString(rest)
		before = rest[:size]
		b.WriteString(before)
		rest = rest[size:]
	}
	return b.String()
}

// altered is UTF-8 with a space in the place of a no-break space, and lossy UTF-8
// with bytes that were lost; of bytes as characters of Latin-1.
var (
	altered = regexp.MustCompile(`[\xc2\xc3\xc5\xce\xd0\xd9] |[\xe2\xe3] [\x80-\x84\x86-\x9f\xa1-\xbf]|[\xe0-\xe3][\x80-\x84\x86-\x9f\xa1-\xbf] |` +
		`\xf0 [\x80-\xbf]{2}|\xf0[\x80-\xbf] [\x80-\xbf]|\xf0[\x80-\xbf]{2} `)
	lossy = regexp.MustCompile(`[\xc2-\xdf]\x1a|[\xc2\xc3]\?|\xed[\xa0-\xaf][\x1a?]\xed[\xb0-\xbf][\x1a?\x80-\xbf]|\xed[\xa0-\xaf][\x1a?\x80-\xbf]\xed[\xb0-\xbf][\x1a?]|` +
		`[\xe0-\xef][\x1a?][\x1a\x80-\xbf]|[\xe0-\xef][\x1a\x80-\xbf][\x1a?]|[\xf0-\xf4][\x1a?][\x1a\x80-\xbf]{2}|` +
		`[\xf0-\xf4][\x1a\x80-\xbf][\x1a?][\x1a\x80-\xbf]|[\xf0-\xf4][\x1a\x80-\xbf]{2}[\x1a?]|\x1a`)
)

func toLatin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

func fromLatin1(s string) string {
	out := make([]byte, 0, len(s))
	for _, r := range s {
		out = append(out, byte(r))
	}
	return string(out)
}

// restoreSpaces puts back no-break spaces that are a byte of UTF-8 and have become
// spaces. An "à" was a word, and a space follows it, but for some of Portuguese.
func restoreSpaces(s []byte) []byte {
	if !altered.MatchString(toLatin1(s)) {
		return s
	}
	var out []byte
	for i, c := range s {
		out = append(out, c)
		if rest := string(s[i+1:]); c == ' ' && i > 0 && s[i-1] == 0xc3 &&
			!slices.ContainsFunc([]string{" ", "quele", "quela", "quilo", "s "},
				func(p string) bool { return strings.HasPrefix(rest, p) }) {
			out[len(out)-1] = 0xa0
			out = append(out, ' ')
		}
	}
	return []byte(fromLatin1(altered.ReplaceAllStringFunc(toLatin1(out),
		func(m string) string { return strings.ReplaceAll(m, " ", "\u00a0") })))
}

// decodeUTF8 reads UTF-8 and what passes for it: Java's NUL, and characters as the
// two halves of UTF-16, of which one alone is lost.
func decodeUTF8(b []byte) (string, bool) {
	if utf8.Valid(b) {
		return string(b), true
	}
	if bytes.IndexByte(b, 0xed) < 0 && bytes.IndexByte(b, 0xc0) < 0 {
		return "", false
	}
	half := func(b []byte, low, high byte) (rune, bool) {
		ok := len(b) >= 3 && b[0] == 0xed && b[1] >= low && b[1] <= high && b[2] >= 0x80 && b[2] < 0xc0
		if !ok {
			return 0, false
		}
		return rune(b[1]&0x0f)<<6 | rune(b[2]&0x3f), true
	}
	var out []rune
	for len(b) > 0 {
		r, size := utf8.DecodeRune(b)
		if r == utf8.RuneError && size < 2 {
			if len(b) >= 2 && b[0] == 0xc0 && b[1] == 0x80 {
				r, size = 0, 2
			} else if high, ok := half(b, 0xa0, 0xaf); ok {
				r, size = utf8.RuneError, 3
				if low, ok := half(b[3:], 0xb0, 0xbf); ok {
					r, size = 0x10000+high<<10+low, 6
				}
			} else if _, ok := half(b, 0xb0, 0xbf); ok {
				r, size = utf8.RuneError, 3
			} else {
				return "", false
			}
		}
		out, b = append(out, r), b[size:]
	}
	return string(out), true
}
