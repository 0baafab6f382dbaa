package tensor

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
)

const (
	shortenAbove = 1000 // elements
	edge         = 3    // elements at either end of an axis that is shortened
	lineWidth    = 75
	precision    = 4 // digits after the point
)

// Format prints the elements as NumPy does: rows in brackets, numbers aligned,
// and a tensor of more than 1000 elements shortened in the middle. The verbs
// are %v and %s; %+v puts dtype and shape before; a precision, as in %.2v, sets
// the digits after the point.
func (t *Tensor) Format(s fmt.State, verb rune) {
	var b bytes.Buffer
	switch {
	case t == nil:
		b.WriteString("<nil>")
	case verb != 'v' && verb != 's':
		fmt.Fprintf(&b, "%%!%c(tensor %s%v)", verb, t.dtype, t.shape)
	case t.dtype.class() == opaque:
		fmt.Fprintf(&b, "%s%v", t.dtype, t.shape)
	default:
		digits, ok := s.Precision()
		if !ok {
			digits = precision
		}
		if s.Flag('+') {
			fmt.Fprintf(&b, "%s%v ", t.dtype, t.shape)
		}
		p := printer{t: t, indent: b.Len(), short: t.NumElements() > shortenAbove}
		p.collect(0, t.offset)
		p.cells = align(p.cellTexts(digits))
		p.print(&b, 0)
	}
	_, _ = s.Write(b.Bytes()) // a fmt.State keeps its errors
}

// String returns the elements as %v prints them.
func (t *Tensor) String() string { return fmt.Sprintf("%v", t) }

// printer lays out the elements that are shown.
type printer struct {
	t      *Tensor
	indent int // of the first bracket
	short  bool
	places []int    // of the elements in memory, in order
	cells  []string // their texts, taken off as they are printed
}

// shown lists the indices shown along an axis, -1 for those left out.
func (p *printer) shown(axis int) []int {
	n := p.t.shape[axis]
	var list []int
	for i := 0; i < n; i++ {
		if p.short && n > 2*edge && i == edge {
			list = append(list, -1)
			i = n - edge
		}
		list = append(list, i)
	}
	return list
}

func (p *printer) collect(axis, offset int) {
	if axis == len(p.t.shape) {
		p.places = append(p.places, offset)
		return
	}
	for _, i := range p.shown(axis) {
		if i >= 0 {
			p.collect(axis+1, offset+i*p.t.strides[axis])
		}
	}
}

func (p *printer) print(b *bytes.Buffer, axis int) {
	rank := len(p.t.shape)
	if axis == rank {
		b.WriteString(p.cells[0])
		p.cells = p.cells[1:]
		return
	}
	margin := "\n" + strings.Repeat(" ", p.indent+axis+1)
	b.WriteByte('[')
	for k, i := range p.shown(axis) {
		width := len("...")
		if i >= 0 && len(p.cells) > 0 {
			width = len(p.cells[0])
		}
		switch column := b.Len() - 1 - bytes.LastIndexByte(b.Bytes(), '\n'); {
		case k == 0:
		case axis < rank-1:
			b.WriteString(strings.Repeat("\n", rank-2-axis) + margin)
		case column+1+width > lineWidth:
			b.WriteString(margin)
		default:
			b.WriteByte(' ')
		}
		if i < 0 {
			b.WriteString("...")
			continue
		}
		p.print(b, axis+1)
	}
	b.WriteByte(']')
}

// cellTexts returns the texts of the elements, not aligned yet.
func (p *printer) cellTexts(digits int) []string {
	texts := make([]string, len(p.places))
	floats := make([]float64, len(p.places))
	for i, at := range p.places {
		one := p.t.view(nil, nil, at)
		switch {
		case p.t.dtype == Bool:
			texts[i] = strconv.FormatBool(element[uint64](one) != 0)
		case p.t.dtype.class() == signed:
			texts[i] = strconv.FormatInt(element[int64](one), 10)
		case p.t.dtype.class() == unsigned:
			texts[i] = strconv.FormatUint(element[uint64](one), 10)
		default:
			floats[i] = element[float64](one)
		}
	}
	if p.t.dtype.IsFloat() {
		return floatTexts(floats, digits)
	}
	return texts
}

// floatTexts picks the exponent form as NumPy does, and leaves out zeros at
// the end that no number needs.
func floatTexts(v []float64, digits int) []string {
	lo, hi := math.Inf(1), 0.0
	for _, f := range v {
		if a := math.Abs(f); a > 0 && !math.IsInf(a, 0) {
			lo, hi = min(lo, a), max(hi, a)
		}
	}
	form := byte('f')
	if hi > 0 && (hi >= 1e8 || lo < 1e-4 || hi/lo > 1e3) {
		form = 'e'
	}
	text := func(f float64, digits int) string {
		if math.IsInf(f, 0) || f != f {
			return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+"))
		}
		mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(f, form, digits, 64), "e")
		if !strings.Contains(mantissa, ".") {
			mantissa += "."
		}
		if form == 'f' {
			return strings.TrimRight(mantissa, "0")
		}
		return mantissa + "e" + exponent
	}
	if form == 'e' { // all with the digits that one needs
		needed := 0
		for _, f := range v {
			mantissa, _, _ := strings.Cut(text(f, digits), "e")
			_, fraction, _ := strings.Cut(mantissa, ".")
			needed = max(needed, len(strings.TrimRight(fraction, "0")))
		}
		digits = needed
	}
	texts := make([]string, len(v))
	for i, f := range v {
		texts[i] = text(f, digits)
	}
	return texts
}

// align pads the texts to one width, decimal points below one another.
func align(texts []string) []string {
	left, right := 0, 0
	split := func(s string) (int, int) {
		point := strings.IndexByte(s, '.')
		if point < 0 {
			return len(s), 0
		}
		return point, len(s) - point
	}
	for _, s := range texts {
		if l, r := split(s); r > 0 {
			left, right = max(left, l), max(right, r)
		}
	}
	width := left + right
	for _, s := range texts {
		width = max(width, len(s))
	}
	for i, s := range texts {
		if _, r := split(s); r > 0 {
			s += strings.Repeat(" ", right-r)
		}
		texts[i] = strings.Repeat(" ", width-len(s)) + s
	}
	return texts
}
