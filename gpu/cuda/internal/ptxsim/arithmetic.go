package ptxsim

import (
	"fmt"
	"math"
	"math/bits"
	"strings"

	"github.com/df65613c/easel/internal/kernel/convert"
)

func each(mask uint32, f func(lane int)) {
	for ; mask != 0; mask &= mask - 1 {
		f(bits.TrailingZeros32(mask))
	}
}

// of1, of2 and of3 are instructions with one, two and three operands.
func of1(s []slot, f func(a uint64) uint64) step {
	to, x := s[0], s[1]
	return func(w *warp, mask uint32) {
		d, a := &w.r[to], &w.r[x]
		for ; mask != 0; mask &= mask - 1 {
			l := bits.TrailingZeros32(mask)
			d[l] = f(a[l])
		}
	}
}

func of2(s []slot, f func(a, b uint64) uint64) step {
	to, x, y := s[0], s[1], s[2]
	return func(w *warp, mask uint32) {
		d, a, b := &w.r[to], &w.r[x], &w.r[y]
		for ; mask != 0; mask &= mask - 1 {
			l := bits.TrailingZeros32(mask)
			d[l] = f(a[l], b[l])
		}
	}
}

func of3(s []slot, f func(a, b, c uint64) uint64) step {
	to, x, y, z := s[0], s[1], s[2], s[3]
	return func(w *warp, mask uint32) {
		d, a, b, c := &w.r[to], &w.r[x], &w.r[y], &w.r[z]
		for ; mask != 0; mask &= mask - 1 {
			l := bits.TrailingZeros32(mask)
			d[l] = f(a[l], b[l], c[l])
		}
	}
}

// fma is by far the most frequent one.
func fma(s []slot) step {
	to, x, y, z := s[0], s[1], s[2], s[3]
	return func(w *warp, mask uint32) {
		d, a, b, c := &w.r[to], &w.r[x], &w.r[y], &w.r[z]
		if mask == ^uint32(0) {
			for l := range d {
				d[l] = fused(a[l], b[l], c[l])
			}
			return
		}
		each(mask, func(l int) { d[l] = fused(a[l], b[l], c[l]) })
	}
}

// fused is a b + c: the product is exact in float64.
func fused(a, b, c uint64) uint64 {
	return word(float32(float64(float(a))*float64(float(b)) + float64(float(c))))
}

func float(v uint64) float32 { return math.Float32frombits(uint32(v)) }
func word(f float32) uint64  { return uint64(math.Float32bits(f)) }

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// number is a type of an instruction.
type number struct {
	bits          int
	signed, float bool
}

func numberOf(kind string) number {
	n := number{32, kind[0] == 's', kind == "f32"}
	if strings.HasSuffix(kind, "64") {
		n.bits = 64
	} else if strings.HasSuffix(kind, "16") {
		n.bits = 16
	}
	return n
}

func (n number) cut(v uint64) uint64 { return v << (64 - n.bits) >> (64 - n.bits) }

func (n number) integer(v uint64) int64 { return int64(v<<(64-n.bits)) >> (64 - n.bits) }

// compare returns -1, 0, 1, or 2 if one of them is NaN.
func (n number) compare(a, b uint64) int {
	switch {
	case n.float:
		x, y := float(a), float(b)
		if x != x || y != y {
			return 2
		}
		return int(bit(x > y)) - int(bit(x < y))
	case n.signed:
		x, y := n.integer(a), n.integer(b)
		return int(bit(x > y)) - int(bit(x < y))
	}
	x, y := n.cut(a), n.cut(b)
	return int(bit(x > y)) - int(bit(x < y))
}

// comparisons are the results of compare that they are true for.
var comparisons = map[string][]int{
	"eq": {0}, "ne": {-1, 1}, "lt": {-1}, "gt": {1}, "le": {-1, 0}, "ge": {0, 1}, "lo": {-1}, "hi": {1}, "ls": {-1, 0}, "hs": {0, 1},
	"equ": {0, 2}, "neu": {-1, 1, 2}, "ltu": {-1, 2}, "gtu": {1, 2}, "leu": {-1, 0, 2}, "geu": {0, 1, 2},
}

// arithmetic returns what an instruction does that only reads and writes registers.
func arithmetic(words []string, s []slot) (step, error) {
	kind := words[len(words)-1]
	n := numberOf(kind)
	unknown := fmt.Errorf("an instruction that is not known")
	if kind == "f64" || kind == "f16" && words[0] != "cvt" {
		return nil, unknown
	}
	switch words[0] {
	case "mov", "cvta":
		return of1(s, n.cut), nil
	case "not":
		if kind == "pred" {
			return of1(s, func(a uint64) uint64 { return a ^ 1 }), nil
		}
		return of1(s, func(a uint64) uint64 { return n.cut(^a) }), nil
	case "and":
		return of2(s, func(a, b uint64) uint64 { return a & b }), nil
	case "or":
		return of2(s, func(a, b uint64) uint64 { return a | b }), nil
	case "xor":
		return of2(s, func(a, b uint64) uint64 { return a ^ b }), nil
	case "selp":
		return of3(s, func(a, b, c uint64) uint64 {
			if c&1 != 0 {
				return a
			}
			return b
		}), nil
	case "setp":
		results := comparisons[words[1]]
		var table [4]uint64
		for _, r := range results {
			table[r+1] = 1
		}
		if results == nil || len(s) != 3 {
			return nil, unknown
		}
		return of2(s, func(a, b uint64) uint64 { return table[n.compare(a, b)+1] }), nil
	case "cvt":
		return conversion(words, s)
	}
	if n.float {
		return floating(words, s)
	}
	return integer(words, s, n)
}

func floating(words []string, s []slot) (step, error) {
	two := func(f func(a, b float32) float32) (step, error) {
		return of2(s, func(a, b uint64) uint64 { return word(f(float(a), float(b))) }), nil
	}
	one := func(f func(a float64) float64) (step, error) {
		return of1(s, func(a uint64) uint64 { return word(float32(f(float64(float(a))))) }), nil
	}
	switch words[0] {
	case "fma":
		return fma(s), nil
	case "add":
		return two(func(a, b float32) float32 { return a + b })
	case "sub":
		return two(func(a, b float32) float32 { return a - b })
	case "mul":
		return two(func(a, b float32) float32 { return a * b })
	case "div":
		return two(func(a, b float32) float32 { return a / b })
	case "max": // of a number and NaN, the number
		return two(func(a, b float32) float32 {
			if a != a || b > a {
				return b
			}
			return a
		})
	case "min":
		return two(func(a, b float32) float32 {
			if a != a || b < a {
				return b
			}
			return a
		})
	case "abs":
		return of1(s, func(a uint64) uint64 { return uint64(uint32(a) &^ (1 << 31)) }), nil
	case "neg":
		return of1(s, func(a uint64) uint64 { return uint64(uint32(a) ^ 1<<31) }), nil
	case "rcp":
		return one(func(a float64) float64 { return 1 / a })
	case "sqrt":
		return one(math.Sqrt)
	case "ex2":
		return one(math.Exp2)
	}
	return nil, fmt.Errorf("an instruction that is not known")
}

func integer(words []string, s []slot, n number) (step, error) {
	two := func(f func(a, b uint64) uint64) (step, error) {
		return of2(s, func(a, b uint64) uint64 { return n.cut(f(a, b)) }), nil
	}
	product := func(a, b uint64) uint64 { return a * b }
	if words[1] == "wide" {
		wide := number{bits: 2 * n.bits}
		product = func(a, b uint64) uint64 { return wide.cut(n.cut(a) * n.cut(b)) }
		if n.signed {
			product = func(a, b uint64) uint64 { return wide.cut(uint64(n.integer(a) * n.integer(b))) }
		}
	}
	switch words[0] {
	case "add":
		return two(func(a, b uint64) uint64 { return a + b })
	case "sub":
		return two(func(a, b uint64) uint64 { return a - b })
	case "mul":
		switch {
		case words[1] == "wide":
			return of2(s, product), nil
		case words[1] == "hi" && n.bits < 64:
			return two(func(a, b uint64) uint64 {
				if n.signed {
					return uint64(n.integer(a) * n.integer(b) >> n.bits)
				}
				return n.cut(a) * n.cut(b) >> n.bits
			})
		case words[1] == "lo":
			return two(product)
		}
	case "mad":
		switch words[1] {
		case "wide":
			return of3(s, func(a, b, c uint64) uint64 { return product(a, b) + c }), nil
		case "lo":
			return of3(s, func(a, b, c uint64) uint64 { return n.cut(a*b + c) }), nil
		}
	case "div", "rem":
		quotient := words[0] == "div"
		return two(func(a, b uint64) uint64 {
			if n.cut(b) == 0 {
				panic("division by zero")
			}
			switch {
			case n.signed && quotient:
				return uint64(n.integer(a) / n.integer(b))
			case n.signed:
				return uint64(n.integer(a) % n.integer(b))
			case quotient:
				return n.cut(a) / n.cut(b)
			}
			return n.cut(a) % n.cut(b)
		})
	case "max":
		return of2(s, func(a, b uint64) uint64 {
			if n.compare(a, b) < 0 {
				return b
			}
			return a
		}), nil
	case "min":
		return of2(s, func(a, b uint64) uint64 {
			if n.compare(a, b) > 0 {
				return b
			}
			return a
		}), nil
	case "neg":
		return of1(s, func(a uint64) uint64 { return n.cut(-a) }), nil
	case "shl":
		return two(func(a, b uint64) uint64 { return a << uint32(b) })
	case "shr":
		return two(func(a, b uint64) uint64 {
			if n.signed {
				return uint64(n.integer(a) >> uint32(b))
			}
			return n.cut(a) >> uint32(b)
		})
	case "bfe":
		if !n.signed && n.bits == 32 {
			return of3(s, func(a, b, c uint64) uint64 { return uint64(uint32(a)) >> (b & 255) & (1<<(c&255) - 1) }), nil
		}
	case "bfi":
		to, from, into, at, length := s[0], s[1], s[2], s[3], s[4]
		return func(w *warp, mask uint32) {
			each(mask, func(l int) {
				field := (uint64(1)<<(w.r[length][l]&255) - 1) << (w.r[at][l] & 255)
				w.r[to][l] = n.cut(w.r[into][l]&^field | w.r[from][l]<<(w.r[at][l]&255)&field)
			})
		}, nil
	}
	return nil, fmt.Errorf("an instruction that is not known")
}

func conversion(words []string, s []slot) (step, error) {
	to, from := words[len(words)-2], words[len(words)-1]
	rounding := words[1]
	n := numberOf(from)
	switch to + " " + from {
	case "f16 f32":
		return of1(s, func(a uint64) uint64 { return uint64(convert.F32ToF16(float(a))) }), nil
	case "f16x2 f32":
		return of2(s, func(a, b uint64) uint64 {
			return uint64(convert.F32ToF16(float(b))) | uint64(convert.F32ToF16(float(a)))<<16
		}), nil
	case "f32 f16":
		return of1(s, func(a uint64) uint64 { return word(convert.F16ToF32(uint16(a))) }), nil
	case "f32 f32":
		if rounding == "rni" {
			return of1(s, func(a uint64) uint64 { return word(float32(math.RoundToEven(float64(float(a))))) }), nil
		}
	case "s32 f32", "u32 f32":
		if rounding == "rzi" {
			return of1(s, func(a uint64) uint64 { return uint64(uint32(int64(float(a)))) }), nil
		}
	case "f32 s32", "f32 u32", "f32 s64", "f32 u64":
		return of1(s, func(a uint64) uint64 {
			if n.signed {
				return word(float32(n.integer(a)))
			}
			return word(float32(n.cut(a)))
		}), nil
	case "s64 s32":
		return of1(s, func(a uint64) uint64 { return uint64(int64(int32(a))) }), nil
	case "u64 u32", "u32 u64":
		return of1(s, func(a uint64) uint64 { return uint64(uint32(a)) }), nil
	case "u32 u16", "u16 u32":
		return of1(s, func(a uint64) uint64 { return uint64(uint16(a)) }), nil
	}
	return nil, fmt.Errorf("a conversion that is not known")
}
