package prompt

import (
	"regexp"
	"strconv"
	"strings"
)

const (
	emphasis    = 1.1 // of a pair of brackets
	deepest     = 100 // brackets in brackets; those further in are text
	breakMark   = "BREAK"
	breakWeight = -1
)

var attentionToken = regexp.MustCompile(`\\[()\[\]\\]|\\|\(|\[|:\s*([+-]?(?:\d+\.?\d*|\.\d+))\s*\)|\)|\]|[^\\()\[\]:]+|:`)

// attention reads a1111's weights: (a) is 1.1 times as strong, [a] as much
// weaker, (a:1.2) by 1.2; brackets in brackets multiply. A backslash makes a
// bracket text. Brackets left open reach to the end.
//
// As in the web UI, a BREAK in brackets is the word and no break: its weight, which
// marks it, has been multiplied.
func attention(text string) []Span {
	var parts []Span
	var round, square []int // where open brackets began
	multiply := func(open *[]int, by float64) {
		last := len(*open) - 1
		for i := (*open)[last]; i < len(parts); i++ {
			parts[i].Weight *= by
		}
		*open = (*open)[:last]
	}
	for _, m := range attentionToken.FindAllStringSubmatch(text, -1) {
		token, weight := m[0], m[1]
		switch {
		case token[0] == '\\':
			parts = append(parts, Span{Text: token[1:], Weight: 1})
		case token == "(" && len(round) < deepest:
			round = append(round, len(parts))
		case token == "[" && len(square) < deepest:
			square = append(square, len(parts))
		case weight != "" && len(round) > 0:
			by, _ := strconv.ParseFloat(weight, 64) // the pattern is a number
			multiply(&round, by)
		case token == ")" && len(round) > 0:
			multiply(&round, emphasis)
		case token == "]" && len(square) > 0:
			multiply(&square, 1/emphasis)
		default:
			pieces := splitAt(token, breakMark)
			for i, piece := range pieces {
				if i > 0 {
					parts = append(parts, Span{Text: breakMark, Weight: breakWeight})
					piece = strings.TrimLeftFunc(piece, isSpace)
				}
				if i < len(pieces)-1 {
					piece = strings.TrimRightFunc(piece, isSpace)
				}
				parts = append(parts, Span{Text: piece, Weight: 1})
			}
		}
	}
	for len(round) > 0 {
		multiply(&round, emphasis)
	}
	for len(square) > 0 {
		multiply(&square, 1/emphasis)
	}
	return merge(parts)
}

// merge joins neighbours of the same weight.
func merge(parts []Span) []Span {
	if len(parts) == 0 {
		return []Span{{Weight: 1}}
	}
	var out []Span
	var text strings.Builder
	for i, p := range parts {
		text.WriteString(p.Text)
		if i+1 < len(parts) && parts[i+1].Weight == p.Weight {
			continue
		}
		p.Text = text.String()
		p.Break = p.Text == breakMark && p.Weight == breakWeight
		out = append(out, p)
		text.Reset()
	}
	return out
}
