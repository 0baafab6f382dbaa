package prompt

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEdits(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string // at each step
	}{
		{"a tree", []string{"a tree", "a tree", "a tree", "a tree"}},
		{"[a:b:0.5]", []string{"a", "a", "a", "b"}},
		{"[a:b:2]", []string{"a", "a", "a", "b"}},
		{"[a:b: 2 ]", []string{"a", "a", "a", "b"}},
		{"[a:b:0]", []string{"b", "b", "b", "b"}},
		{"[a:b:0.0]", []string{"b", "b", "b", "b"}},
		{"[a:b:1.0]", []string{"a", "a", "a", "a"}},
		{"[a:b:9]", []string{"a", "a", "a", "a"}},
		{"[a:b:-1]", []string{"b", "b", "b", "b"}},
		{"x [a:1] y", []string{"x  y", "x  y", "x a y", "x a y"}},
		{"x [a::1] y", []string{"x a y", "x a y", "x  y", "x  y"}},
		{"[a|b|c]", []string{"a", "a", "b", "c"}},
		{"[a|]", []string{"a", "a", "", "a"}},
		{"[(a:1.2)|b]", []string{"(a:1.2)", "(a:1.2)", "b", "(a:1.2)"}},
		{"a[b:[c:d:2]:1]e", []string{"abe", "abe", "ace", "ade"}},
		{"[[[b]]:2]", []string{"", "", "", "[[b]]"}},
		{"((a][:b:c [d:1]", []string{"((a][:b:c ", "((a][:b:c ", "((a][:b:c d", "((a][:b:c d"}},
		{"(red [a:b:1])", []string{"(red a)", "(red a)", "(red b)", "(red b)"}},
		{`\[a:b:1\]`, []string{`\[a:b:1\]`}},
		{"[a:b]", []string{"[a:b]"}},
		{"[a:b:c:1]", []string{"[a:b:c:1]"}},
		{"[a:b:x]", []string{"[a:b:x]"}},
		{"[a (b:c:1]", []string{"[a (b:c:1]"}},
		{"[[a:b]:c:1]", []string{"[[a:b]:c:1]"}},
		{"a | b [c:d:1]", []string{"a | b [c:d:1]"}},
		{`[a:b:1] \`, []string{`[a:b:1] \`}},
	} {
		e := A1111.Edits(c.text)
		for step := range 4 {
			require.Equal(t, c.want[min(step, len(c.want)-1)], e.At(step, 4), "%s at step %d", c.text, step)
		}
		for _, s := range []Syntax{Plain, Diffusers, Comfy} {
			require.Equal(t, c.text, s.Edits(c.text).At(1, 4))
		}
	}
}

func TestClauses(t *testing.T) {
	for text, want := range map[string][]Clause{
		"a tree":               {{"a tree", 1}},
		"a AND b":              {{"a ", 1}, {" b", 1}},
		"a :1.2 AND b: -0.5 ":  {{"a", 1.2}, {" b", -0.5}},
		"a:2":                  {{"a", 2}},
		"SAND and BANDANA":     {{"SAND and BANDANA", 1}},
		"x:y AND (b:1.2) AND ": {{"x:y ", 1}, {" (b:1.2)", 1}, {"", 1}},
		"éAND b":               {{"éAND b", 1}},
		"two\nlines AND b:.5":  {{"two\nlines ", 1}, {" b", .5}},
	} {
		got := A1111.Clauses(text)
		require.Len(t, got, len(want), text)
		for i := range want {
			require.Equal(t, want[i].Weight, got[i].Weight, text)
			require.Equal(t, strings.TrimRight(want[i].Text, " "), strings.TrimRight(got[i].Text, " "), text)
		}
		require.Equal(t, []Clause{{text, 1}}, Comfy.Clauses(text))
	}
}

func TestSyntaxNames(t *testing.T) {
	for _, name := range Syntaxes() {
		s, err := Named(name)
		require.NoError(t, err)
		require.Equal(t, name, string(s))
	}
	s, err := Named("")
	require.NoError(t, err)
	require.Equal(t, Plain, s)
	_, err = Named("webui")
	require.ErrorContains(t, err, `no prompt syntax "webui"; there are plain, diffusers, a1111, comfy`)
}

// bytesTokenizer has a token for each byte.
type bytesTokenizer struct{}

func (bytesTokenizer) EncodeBare(text string) []int32 {
	ids := make([]int32, len(text))
	for i := range ids {
		ids[i] = int32(text[i])
	}
	return ids
}
func (bytesTokenizer) ID(token string) (int32, bool) { return ',', token == ",</w>" }
func (bytesTokenizer) BOS() int32                    { return 256 }
func (bytesTokenizer) EOS() int32                    { return 257 }
func (bytesTokenizer) Pad() int32                    { return 0 }

// TestCommaBacktrack: what follows a comma within the last 20 tokens of a full
// chunk moves to the next.
func TestCommaBacktrack(t *testing.T) {
	text := strings.Repeat("a", 60) + "," + strings.Repeat("b", 20)
	chunks := A1111.Chunks(bytesTokenizer{}, text)
	require.Len(t, chunks, 2)
	require.Equal(t, int32(257), chunks[0].IDs[62])
	require.Equal(t, int32('b'), chunks[1].IDs[1])
	for before, last := range map[int]int32{55: 0, 54: 'b'} { // the comma is 20 tokens from the end, and 21
		chunks = A1111.Chunks(bytesTokenizer{}, strings.Repeat("a", before)+","+strings.Repeat("b", 30))
		require.Equal(t, last, chunks[0].IDs[75], before)
	}
	require.Len(t, Plain.Chunks(bytesTokenizer{}, text), 1)
}

// TestOpenBrackets: those without an end reach to the end of the text, in the
// web UI's language.
func TestOpenBrackets(t *testing.T) {
	for text, weight := range map[string]float64{"(a": 1.1, "[a": 1 / 1.1, "((a": 1.1 * 1.1, "[(a": 1} {
		require.InDelta(t, weight, A1111.Spans(text)[0].Weight, 1e-12, text)
	}
}
