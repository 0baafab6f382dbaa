package tokenizer

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// words yields the words of normalized text, in the manner of CLIP's pattern, of which the first alternative that matches holds:
//
//	<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+
//
// GPT-2's pattern then splits the two marks again, and nothing else.
func words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for len(s) > 0 {
			r, n := utf8.DecodeRuneInString(s)
			if unicode.IsSpace(r) {
				s = s[n:]
				continue
			}
			if name := mark(s); name != "" {
				if !yield("<|") || !yield(name) || !yield("|>") {
					return
				}
				s = s[len("<|")+len(name)+len("|>"):]
				continue
			}
			switch c := contraction(s); {
			case c > 0:
				n = c
			case isLetter(r):
				n = prefix(s, isLetter)
			case !isNumber(r): // a number is a word of one digit
				n = prefix(s, isSymbol)
			}
			if !yield(s[:n]) {
				return
			}
			s = s[n:]
		}
	}
}

// mark returns the name of the mark that s begins with, written out in the text, or "".
func mark(s string) string {
	if s, ok := strings.CutPrefix(s, "<|"); ok {
		for _, name := range [...]string{"startoftext", "endoftext"} {
			if rest, ok := strings.CutPrefix(s, name); ok && strings.HasPrefix(rest, "|>") {
				return name
			}
		}
	}
	return ""
}

// contraction returns the length of the English contraction that s begins with, or 0.
func contraction(s string) int {
	if s[0] != '\'' {
		return 0
	}
	for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(s, c) {
			return len(c)
		}
	}
	return 0
}

// prefix returns the length of the longest prefix of runes for which in holds.
func prefix(s string, in func(rune) bool) int {
	for i, r := range s {
		if !in(r) {
			return i
		}
	}
	return len(s)
}

func isSymbol(r rune) bool { return !unicode.IsSpace(r) && !isLetter(r) && !isNumber(r) }

func isLetter(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r|0x20 && r|0x20 <= 'z'
	}
	return (unicode.IsLetter(r) || unicode.Is(laterLetters, r)) && !unicode.Is(tooLateLetters, r)
}

func isNumber(r rune) bool {
	if r < utf8.RuneSelf {
		return '0' <= r && r <= '9'
	}
	return (unicode.IsNumber(r) || unicode.Is(laterNumbers, r)) && !unicode.Is(tooLateNumbers, r)
}

// isWord reports whether r is of \w in the sense of UTS #18.
func isWord(r rune) bool {
	if isLetter(r) || unicode.In(r, laterMarks, laterNumbers) {
		return true
	}
	return unicode.In(r, unicode.M, unicode.Nd, unicode.Nl, unicode.Pc, unicode.Other_Alphabetic, unicode.Join_Control) &&
		!unicode.In(r, tooLateLetters, tooLateNumbers, tooLateMarks)
}
