package tokenizer

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

// unicodeReferences are the tables of the tokenizers library, by its behaviour. Where a test against them fails
// after an update of Go or of x/text, their tables are of a later Unicode than unicode.go knows.
type unicodeReferences struct {
	Classes [][2]any    // runs: first code point, classes: letter, number, space, part of a word
	Lower   [][2]string // all that change
	Compose [][2]string // canonical decompositions and their NFC
	Blocks  [][2]string // per 1024 code points, of which the generator takes some: checksum of the normalized contexts, of their ids
}

const maxRune = unicode.MaxRune + 1

func readUnicode(t *testing.T) (u unicodeReferences) {
	readGolden(t, "unicode.json.gz", &u)
	return u
}

func TestClassesOfEveryCodePoint(t *testing.T) {
	want, run := "", 0
	classes := readUnicode(t).Classes
	require.Greater(t, len(classes), 1000)
	for r := rune(0); r < maxRune; r++ {
		if run < len(classes) && rune(classes[run][0].(float64)) == r {
			want = classes[run][1].(string)
			run++
		}
		got := ""
		if isLetter(r) {
			got += "L"
		}
		if isNumber(r) {
			got += "N"
		}
		if unicode.IsSpace(r) {
			got += "S"
		}
		if isWord(r) {
			got += "W"
		}
		if got != want {
			t.Errorf("%U: class %q, want %q", r, got, want)
		}
	}
	require.Equal(t, len(classes), run)
}

func TestLowerCaseOfEveryCodePoint(t *testing.T) {
	want := map[string]string{}
	for _, p := range readUnicode(t).Lower {
		want[p[0]] = p[1]
	}
	require.Len(t, want, 1488)
	for r := rune(0); r < maxRune; r++ {
		s := string(r)
		if !utf8.ValidRune(r) || unicode.IsSpace(r) || nfc(s) != s {
			continue
		}
		lower, ok := want[s]
		if !ok {
			lower = s
		}
		if got := normalize(s); got != lower {
			t.Errorf("%U: lower case %+q, want %+q", r, got, lower)
		}
	}
}

func TestComposition(t *testing.T) {
	pairs := readUnicode(t).Compose
	require.Greater(t, len(pairs), 3000)
	for _, p := range pairs {
		require.Equal(t, p[1], nfc(p[0]), "%+q", p[0])
	}
}

// context puts r beside letters and numbers, before and after marks, and before and after what it may combine with.
func context(r rune) string {
	return fmt.Sprintf("e%c\u0323\u0301 \u09c7%[1]c\u0334%[1]c\u3099 \u1100%[1]c\u11a8 1%[1]c's", r)
}

func TestEveryCodePointInContext(t *testing.T) {
	blocks := readUnicode(t).Blocks
	require.Len(t, blocks, maxRune/1024)
	tok := CLIPG()
	for i, want := range blocks {
		var normalized []string
		var ids []int32
		for r := rune(i * 1024); r < rune(i+1)*1024; r++ {
			if utf8.ValidRune(r) && (r < 0x34000 || r>>16 == 14 || r%251 == 0) {
				normalized = append(normalized, normalize(context(r)))
				ids = append(ids, tok.Encode(context(r))...)
			}
		}
		sum := sha256.Sum256([]byte(strings.Join(normalized, "\n")))
		if got := hex.EncodeToString(sum[:8]); got != want[0] {
			t.Errorf("%U to %U: normalized text differs", i*1024, i*1024+1023)
		}
		if checksum(ids) != want[1] {
			t.Errorf("%U to %U: ids differ", i*1024, i*1024+1023)
		}
	}
}

// Python's bytes.decode("utf-8", "replace").
func TestInvalidUTF8(t *testing.T) {
	for in, want := range map[string]string{
		"a\x80b":                               "a\ufffdb",
		"\xe2\x82":                             "\ufffd",
		"\xe2\x82A":                            "\ufffdA",
		"\xe2\x28\xa1":                         "\ufffd(\ufffd",
		"\xf0\x9f\x98":                         "\ufffd",
		"\xf0\x9f\x98\xf0\x9f\x98\x80":         "\ufffd\U0001f600",
		"\xf0\x80\x80\x80":                     "\ufffd\ufffd\ufffd\ufffd",
		"\xed\xa0\x80":                         "\ufffd\ufffd\ufffd",
		"\xf4\x90\x80\x80":                     "\ufffd\ufffd\ufffd\ufffd",
		"\xc0\xaf\xfe\xff":                     "\ufffd\ufffd\ufffd\ufffd",
		"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41": "\ufffd\ufffd\ufffd\ufffdA",
		"\xe1\x80":                             "\ufffd",
		"ok \ufffd":                            "ok \ufffd",
	} {
		require.Equal(t, want, replaceInvalid(in), "%+q", in)
		require.Equal(t, CLIPL().Encode(want), CLIPL().Encode(in))
	}
}
