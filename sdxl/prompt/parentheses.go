package prompt

import (
	"regexp"
	"strconv"
	"strings"
)

// escapes hides brackets that a backslash makes text from the parser.
var (
	escapes   = strings.NewReplacer(`\)`, "\x00\x01", `\(`, "\x00\x02")
	unescapes = strings.NewReplacer("\x00\x01", ")", "\x00\x02", "(")
)

// number is what Python's float takes, but for names, Inf and NaN.
var number = regexp.MustCompile(`^\s*[+-]?(\d+(_?\d)*\.?(\d+(_?\d)*)?|\.\d+(_?\d)*)([eE][+-]?\d+)?\s*$`)

// parentheses reads comfy's weights: (a) is 1.1 times as strong as what is
// around it, and (a:1.2) has the weight 1.2 whatever is around.
func parentheses(text string) []Span {
	spans := weigh(nil, escapes.Replace(text), 1, 0)
	for i := range spans {
		spans[i].Text = unescapes.Replace(spans[i].Text)
	}
	return spans
}

func weigh(spans []Span, text string, weight float64, depth int) []Span {
	for _, item := range topLevel(text) {
		if depth == deepest || len(item) < 2 || item[0] != '(' || item[len(item)-1] != ')' {
			spans = append(spans, Span{Text: item, Weight: weight})
			continue
		}
		item = item[1 : len(item)-1]
		inner := weight * emphasis
		if colon := strings.LastIndexByte(item, ':'); colon > 0 && number.MatchString(item[colon+1:]) {
			digits := strings.ReplaceAll(strings.TrimSpace(item[colon+1:]), "_", "")
			if w, err := strconv.ParseFloat(digits, 64); err == nil {
				inner, item = w, item[:colon]
			}
		}
		spans = weigh(spans, item, inner, depth+1)
	}
	return spans
}

// topLevel splits a text into its outermost brackets and what is between them.
// As in ComfyUI, a closing bracket without a partner makes the count wrong for the rest.
func topLevel(text string) (items []string) {
	level, start := 0, 0
	add := func(end int) {
		if end > start {
			items = append(items, text[start:end])
		}
		start = end
	}
	for i := range len(text) {
		switch text[i] {
		case '(':
			if level == 0 {
				add(i)
			}
			level++
		case ')':
			if level--; level == 0 {
				add(i + 1)
			}
		}
	}
	add(len(text))
	return items
}
