package prompt

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Word is a word that stands for vectors of its own in a text encoder (textual
// inversion, Gal et al. 2022). Its ids are First, First-1 and so on; they are negative.
type Word struct {
	Name  string // as a1111 has it in a text, and comfy after "embedding:"
	Token string // as plain and diffusers have it, such as <name>
	First int32
	Count int // of vectors; 0 leaves the word out of the encoder's text
}

// inverting is a tokenizer that knows words of a user's own.
type inverting struct {
	Tokenizer
	syntax Syntax
	words  []Word // the longest name first
	names  [][]int32
}

// knowing returns a tokenizer that knows words.
func (s Syntax) knowing(t Tokenizer, words []Word) Tokenizer {
	if len(words) == 0 {
		return t
	}
	v := inverting{Tokenizer: t, syntax: s, words: slices.Clone(words)}
	slices.SortStableFunc(v.words, func(a, b Word) int { return len(b.Name) - len(a.Name) })
	for _, w := range v.words {
		v.names = append(v.names, t.EncodeBare(w.Name))
	}
	return v
}

// EncodeBare returns the ids of a text.
func (v inverting) EncodeBare(text string) []int32 {
	if v.syntax == A1111 {
		return v.replaced(v.Tokenizer.EncodeBare(text))
	}
	var ids []int32
	for text != "" {
		at, length, word := v.find(text)
		if at < 0 {
			break
		}
		ids = append(append(ids, v.Tokenizer.EncodeBare(text[:at])...), word.ids()...)
		text = text[at+length:]
	}
	return append(ids, v.Tokenizer.EncodeBare(text)...)
}

func (w *Word) ids() []int32 {
	ids := make([]int32, w.Count)
	for i := range ids {
		ids[i] = w.First - int32(i)
	}
	return ids
}

// embeddingMark begins a word in comfy's texts.
const embeddingMark = "embedding:"

// find returns the first word in a text, and how long it is there.
func (v inverting) find(text string) (at, length int, word *Word) {
	at = -1
	for i := range v.words {
		w := &v.words[i]
		mark := w.Token
		if v.syntax == Comfy {
			mark = embeddingMark + w.Name
		}
		for from := 0; mark != ""; {
			j := strings.Index(text[from:], mark)
			if j < 0 {
				break
			}
			j += from
			if v.syntax == Comfy && inName(text[j+len(mark):]) {
				from = j + 1
				continue
			}
			if at < 0 || j < at || j == at && len(mark) > length {
				at, length, word = j, len(mark), w
			}
			break
		}
	}
	return at, length, word
}

// inName reports whether a text goes on with a letter of a name.
func inName(rest string) bool {
	r, _ := utf8.DecodeRuneInString(rest)
	return rest != "" && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-')
}

// replaced returns ids with the names of words replaced.
func (v inverting) replaced(ids []int32) []int32 {
	var out []int32
next:
	for len(ids) > 0 {
		for i, name := range v.names {
			if len(name) > 0 && len(ids) >= len(name) && slices.Equal(ids[:len(name)], name) {
				out, ids = append(out, v.words[i].ids()...), ids[len(name):]
				continue next
			}
		}
		out, ids = append(out, ids[0]), ids[1:]
	}
	return out
}

// together returns how many ids, from this one on, must be in one chunk in a1111.
func together(t Tokenizer, id int32) int {
	v, ok := t.(inverting)
	if !ok || id >= 0 {
		return 1
	}
	i := slices.IndexFunc(v.words, func(w Word) bool { return w.First == id })
	if i < 0 {
		return 1
	}
	return v.words[i].Count
}
