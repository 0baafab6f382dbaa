package prompt

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Edits is a text that changes from step to step:
//
//	[a:b:0.5]  a, then b from half of the steps on
//	[a:b:10]   a, then b from step 10 on
//	[a:0.5]    nothing, then a
//	[a::0.5]   a, then nothing
//	[a|b|c]    each in turn
//
// In the other languages than a1111 a text stays the same.
type Edits struct{ root node }

// node is a piece of a text: plain text, or what becomes of its children.
type node struct {
	text   string
	kind   kind
	parts  []node // a sequence, or what takes turns
	before []node // of a switch, or nil
	when   string // of a switch
}

type kind int

const (
	plainText kind = iota
	sequence
	change    // from before to parts
	alternate // between parts
)

// Edits parses a text. One with a bar outside of turns, or with a backslash at
// its end, stays as it is.
func (s Syntax) Edits(text string) *Edits {
	literal := &Edits{node{text: text}}
	if s != A1111 {
		return literal
	}
	p := editParser{text: text, partner: partners(text), done: make(map[int]parsed)}
	parts, _ := p.sequence(0, len(text), 0)
	if p.failed {
		return literal
	}
	return &Edits{node{kind: sequence, parts: parts}}
}

// At returns the text at a step, counted from 0, of the given number of steps.
//
// As in the web UI, whose count of steps is one behind its texts, a change
// "from step 10 on" comes after step 10 counted from 0, and what takes turns
// stays for the first two steps.
func (e *Edits) At(step, steps int) string {
	var b strings.Builder
	e.root.write(&b, max(step, 1), steps)
	return b.String()
}

func (n *node) write(b *strings.Builder, step, steps int) {
	write := func(nodes []node) {
		for i := range nodes {
			nodes[i].write(b, step, steps)
		}
	}
	switch n.kind {
	case plainText:
		b.WriteString(n.text)
	case sequence:
		write(n.parts)
	case change:
		if step <= n.switchStep(steps) {
			write(n.before)
		} else {
			write(n.parts)
		}
	case alternate:
		n.parts[(step-1)%len(n.parts)].write(b, step, steps)
	}
}

// switchStep is the last step before a change: a share of the steps where the
// number has a point.
func (n *node) switchStep(steps int) int {
	v, err := strconv.ParseFloat(n.when, 64)
	if err != nil {
		v = math.Inf(1) // more than a float64 holds
	}
	if strings.Contains(n.when, ".") {
		v *= float64(steps)
	}
	return int(max(min(v, float64(steps)), -1))
}

// partners gives for each bracket the index of the one that closes it, and -1
// for those that have none or that hold one without. A backslash makes the next
// character text.
func partners(text string) []int {
	at := make([]int, len(text))
	var open []int
	for i := 0; i < len(text); i++ {
		at[i] = -1
		switch c := text[i]; c {
		case '\\':
			if i++; i < len(text) {
				at[i] = -1
			}
		case '(', '[':
			open = append(open, i)
		case ')', ']':
			n := len(open) - 1
			if n < 0 || (c == ']') != (text[open[n]] == '[') {
				open = open[:0] // all of them hold this one
				continue
			}
			at[open[n]] = i
			open = open[:n]
		}
	}
	return at
}

// editParser parses what the grammar of the web UI takes as a whole; what it
// does not take, such as [a:b], is text to the outer brackets' harm.
type editParser struct {
	text    string
	partner []int
	done    map[int]parsed // square brackets, by where their inside begins
	failed  bool           // the grammar has no place for the text
}

// parsed is what square brackets are, and if others may hold them.
type parsed struct {
	node node
	ok   bool
}

// editNumber is the number that ends a change, with white space around it.
var editNumber = regexp.MustCompile(`^\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*$`)

// sequence parses text[from:to]; ok says that brackets may hold it.
func (p *editParser) sequence(from, to, depth int) (nodes []node, ok bool) {
	ok = true
	start := from
	for i := from; i < to; i++ {
		switch c := p.text[i]; c {
		case '\\':
			if i++; i == len(p.text) {
				p.failed = true
			}
		case '|':
			p.failed = true
		case '(', '[':
			end := p.partner[i]
			if end < 0 || depth == deepest {
				ok = false
				continue
			}
			if c == '(' {
				if colons, _ := p.separators(i+1, end); len(colons) > 1 {
					ok = false
				}
				continue // what is inside is parsed as if they were not there
			}
			if i > start {
				nodes = append(nodes, node{text: p.text[start:i]})
			}
			inner, seen := p.done[i+1]
			if !seen { // what is tried as a change and is none comes by again
				inner.node, inner.ok = p.brackets(i+1, end, depth+1)
				p.done[i+1] = inner
			}
			nodes, ok = append(nodes, inner.node), ok && inner.ok
			i, start = end, end+1
		}
	}
	if start < to {
		nodes = append(nodes, node{text: p.text[start:to]})
	}
	return nodes, ok
}

// brackets parses what is between square ones: a change, turns, or text that
// keeps its brackets.
func (p *editParser) brackets(from, to, depth int) (_ node, ok bool) {
	colons, bars := p.separators(from, to)
	if n := len(colons); len(bars) == 0 && (n == 1 || n == 2) {
		if m := editNumber.FindStringSubmatch(p.text[colons[n-1]+1 : to]); m != nil {
			edit, begin, valid := node{kind: change, when: m[1]}, from, true
			if n == 2 {
				edit.before, valid = p.sequence(from, colons[0], depth)
				begin = colons[0] + 1
			}
			if edit.parts, ok = p.sequence(begin, colons[n-1], depth); ok && valid {
				return edit, true
			}
		}
	}
	if len(colons) == 0 && len(bars) > 0 {
		turns := node{kind: alternate}
		ok = true
		for _, bar := range append(bars, to) {
			parts, valid := p.sequence(from, bar, depth)
			turns.parts = append(turns.parts, node{kind: sequence, parts: parts})
			from, ok = bar+1, ok && valid
		}
		p.failed = p.failed || !ok
		return turns, ok
	}
	inner, ok := p.sequence(from, to, depth)
	return node{kind: sequence, parts: append(append([]node{{text: "["}}, inner...), node{text: "]"})}, ok && len(colons) == 0
}

// separators finds colons and bars that are in no brackets of their own.
func (p *editParser) separators(from, to int) (colons, bars []int) {
	for i := from; i < to; i++ {
		switch p.text[i] {
		case '\\':
			i++
		case '(', '[':
			i = max(i, p.partner[i])
		case ':':
			colons = append(colons, i)
		case '|':
			bars = append(bars, i)
		}
	}
	return colons, bars
}
