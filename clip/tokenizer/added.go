package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is found as a whole before the text is split into words, as the tokenizers library has it.
type addedToken struct {
	content        string
	id             int32
	singleWord     bool // only where no letter or digit adjoins
	lstrip, rstrip bool // takes the white space on that side with it
	normalized     bool // sought in normalized text
}

// pattern returns what the text is searched for.
func (t *addedToken) pattern() string {
	if t.normalized {
		return normalize(t.content)
	}
	return t.content
}

// matcher finds added tokens, by the first byte of their pattern, longest first.
type matcher [256][]matchEntry

type matchEntry struct {
	pattern string
	token   *addedToken
}

func newMatcher(tokens []*addedToken) (*matcher, error) {
	m := new(matcher)
	seen := map[string]string{}
	for _, t := range tokens {
		p := t.pattern()
		if other, ok := seen[p]; ok {
			return nil, fmt.Errorf("the added tokens %q and %q are the same once normalized", min(other, t.content), max(other, t.content))
		}
		seen[p] = t.content
		m[p[0]] = append(m[p[0]], matchEntry{p, t})
	}
	for _, entries := range m {
		slices.SortFunc(entries, func(a, b matchEntry) int { return len(b.pattern) - len(a.pattern) })
	}
	return m, nil
}

// find returns the first place at or after from where an added token stands, the longest of those that do.
func (m *matcher) find(s string, from int) (start, end int, t *addedToken) {
	for i := from; i < len(s); i++ {
		for _, e := range m[s[i]] {
			if strings.HasPrefix(s[i:], e.pattern) {
				return i, i + len(e.pattern), e.token
			}
		}
	}
	return 0, 0, nil
}

// split yields the pieces of s in order: added tokens, and the text between them with a nil token.
func (m *matcher) split(s string, yield func(piece string, t *addedToken)) {
	done := 0
	for from := 0; ; {
		start, end, t := m.find(s, from)
		if t == nil {
			break
		}
		from = end
		if t.singleWord && (endsInWord(s[:start]) || beginsWithWord(s[end:])) {
			continue
		}
		if t.lstrip {
			start = max(done, len(strings.TrimRightFunc(s[:start], unicode.IsSpace)))
		}
		if t.rstrip {
			end = len(s) - len(strings.TrimLeftFunc(s[end:], unicode.IsSpace))
		}
		if done < start {
			yield(s[done:start], nil)
		}
		yield(s[start:end], t)
		done = end
	}
	if done < len(s) {
		yield(s[done:], nil)
	}
}

func endsInWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && isWord(r)
}

func beginsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && isWord(r)
}

// WithMarks returns a tokenizer that finds only these of the vocabulary's tokens
// as a whole in a text, by what is written for them; tokens past the vocabulary,
// which were added, it finds as before. The marks are sought in lower case. Other
// programs than transformers have other marks: in open_clip they are
// <start_of_text> and <end_of_text>, and the padding "!" is text.
func (t *Tokenizer) WithMarks(marks map[string]int32) *Tokenizer {
	c := *t
	c.added, c.addedByID = map[string]addedToken{}, map[int32]addedToken{}
	var plain, normalized []*addedToken
	keep := func(tok addedToken) {
		c.added[tok.content], c.addedByID[tok.id] = tok, tok
		if tok.normalized {
			normalized = append(normalized, &tok)
		} else {
			plain = append(plain, &tok)
		}
	}
	for content, id := range marks {
		keep(addedToken{content: content, id: id, normalized: true})
	}
	for _, tok := range t.added {
		if _, known := t.bpe.tokens[tok.id]; !known && marks[tok.content] == 0 {
			keep(tok)
		}
	}
	var err error
	if c.plain, err = newMatcher(plain); err == nil {
		c.normalized, err = newMatcher(normalized)
	}
	if err != nil { // a mark that an added token is called after: what was added counts
		return t
	}
	return &c
}
