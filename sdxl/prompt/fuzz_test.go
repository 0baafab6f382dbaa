package prompt

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
)

// read reads a text in all languages, at each of a number of steps.
func read(text string, steps int) (out []string) {
	for _, name := range Syntaxes() {
		s := Syntax(name)
		for _, c := range s.Clauses(text) {
			e := s.Edits(c.Text)
			for step := range steps {
				at := e.At(step, steps)
				s.Spans(at)
				out = append(out, at)
			}
		}
	}
	return out
}

func FuzzPrompt(f *testing.F) {
	for _, s := range []string{"a (b:1.2) [c:d:0.5] BREAK e AND f:2", "[a|b]", "((((", "]])):", `\(\`, "(a:1e400)", "[a:b:1e400]", "é(日:.5)\xff"} {
		f.Add(s, 3, 10)
	}
	f.Fuzz(func(t *testing.T, text string, step, steps int) {
		bounded.Check(t, len(text), bounded.Text, func() {
			for _, name := range Syntaxes() {
				s := Syntax(name)
				for _, c := range s.Clauses(text) {
					at := s.Edits(c.Text).At(step&1023, 1+steps&1023)
					for _, chunk := range s.Chunks(bytesTokenizer{}, at) {
						require.Len(t, chunk.IDs, Length)
						require.Len(t, chunk.Weights, Length)
					}
					if utf8.ValidString(text) {
						require.True(t, utf8.ValidString(at))
					}
				}
			}
		})
	})
}

// pieces are what the languages are made of.
var pieces = []string{"[", "]", "(", ")", ":", "|", "a", " ", "1", "0.5", `\`, " AND ", " BREAK ", ":1]", "[a:b:", ",", "-", "é"}

// FuzzGrammar reads texts of the languages' own pieces, where brackets meet
// more often than in random bytes.
func FuzzGrammar(f *testing.F) {
	f.Add([]byte{0, 6, 4, 6, 13})
	f.Add([]byte{0, 0, 0, 6, 4, 6, 1, 13, 13})
	f.Fuzz(func(t *testing.T, in []byte) {
		in = in[:min(len(in), 1000)] // more of the same only takes longer
		var b strings.Builder
		for _, i := range in {
			b.WriteString(pieces[int(i)%len(pieces)])
		}
		most := bounded.Text
		most.BytesPerByte *= 64 // of each byte a piece is read in four languages, at eight steps
		bounded.Check(t, len(in), most, func() { read(b.String(), 8) })
	})
}

// TestDeepBrackets: time and memory stay in proportion for prompts made to hurt.
func TestDeepBrackets(t *testing.T) {
	const n = 2_000
	for _, piece := range []string{"(", "[", ")", "]", "(a", "[a|", "[a:", "(a)", "[a:b:1]", ":1.5)", `\`, "(:", "AND ", "BREAK ", "[:", ": ", "a:", "1"} {
		text := strings.Repeat(piece, n/len(piece))
		bounded.Check(t, n, bounded.Text, func() { read(text, 2) })
		for _, end := range []string{")", "]", ":1]", ":1)", ":b:1]", "|b]"} {
			text := text + strings.Repeat(end, n/len(piece))
			bounded.Check(t, len(text), bounded.Text, func() { read(text, 2) })
		}
	}
}

// TestNestedEdits: what is tried as a change, and is none because of what is deep
// inside, is not parsed once more at each level.
func TestNestedEdits(t *testing.T) {
	for _, inside := range []string{"a:b", "(a:b:c)", "x", "[a:b:1]", "a|b", "("} {
		for depth := range 2 * deepest {
			text := strings.Repeat("[", depth) + inside + strings.Repeat(":1]", depth)
			bounded.Check(t, len(text), bounded.Text, func() { A1111.Edits(text) })
		}
	}
}
