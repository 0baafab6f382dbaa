package main

import (
	"fmt"
	"slices"
)

// winograd writes the three transforms of F(4x4,3x3): Lavin and Gray, Fast
// Algorithms for Convolutional Neural Networks, 2016. The polynomials are
// evaluated at 0, a, -a, b, -b and infinity. The points a = 5/8 and b = 3/2 give
// less than half of the error of the usual 1 and 2.
func (in instructions) winograd(f *file) {
	transformConstants(f)
	for _, t := range []transform{inputTransform, filterTransform, outputTransform} {
		t.file, t.instructions = f, in
		t.write()
	}
}

// winogradBF16 writes those of products of pairs of bfloat16.
func winogradBF16(f *file) {
	transformConstants(f)
	f.words("interleave", interleaved())
	input, filter, output := inputTransform, filterTransform, outputTransform
	input.fromBF16, input.toBF16, output.toBF16 = true, true, true
	for _, t := range []*transform{&input, &filter, &output} {
		t.file, t.instructions = f, avx512
		t.name += "BF16"
	}
	input.write()
	filter.writeInterleaving()
	output.write()
}

var (
	inputTransform  = transform{name: "input", from: 6, to: 6, constants: []string{"a", "b", "-aa", "-bb", "-aa-bb", "aabb"}, line: inputLine}
	filterTransform = transform{name: "filter", from: 3, to: 6, constants: []string{"1/n0", "1/na", "a/na", "aa/na", "1/nb", "b/nb", "bb/nb"}, line: filterLine}
	outputTransform = transform{name: "output", from: 6, to: 4, constants: []string{"a", "b", "aa", "bb", "aaa", "bbb"}, line: outputLine, bias: true}
)

func transformConstants(f *file) {
	var values []float32
	for _, c := range winogradConstants {
		values = append(values, float32(c.value))
	}
	f.words("constants", floatBits(values))
}

const (
	pointA = 5. / 8
	pointB = 3. / 2

	// The products of a point's differences from the others.
	norm0 = pointA * pointA * pointB * pointB
	normA = 2 * pointA * pointA * (pointA*pointA - pointB*pointB)
	normB = 2 * pointB * pointB * (pointB*pointB - pointA*pointA)
)

type named struct {
	name  string
	value float64
}

var winogradConstants = []named{
	{"a", pointA}, {"b", pointB}, {"aa", pointA * pointA}, {"bb", pointB * pointB},
	{"aaa", pointA * pointA * pointA}, {"bbb", pointB * pointB * pointB},
	{"-aa", -pointA * pointA}, {"-bb", -pointB * pointB}, {"-aa-bb", -pointA*pointA - pointB*pointB}, {"aabb", norm0},
	{"1/n0", 1 / norm0}, {"1/na", 1 / normA}, {"a/na", pointA / normA}, {"aa/na", pointA * pointA / normA},
	{"1/nb", 1 / normB}, {"b/nb", pointB / normB}, {"bb/nb", pointB * pointB / normB},
}

func constantAt(name string) int {
	return 4 * slices.IndexFunc(winogradConstants, func(c named) bool { return c.name == name })
}

// arithmetic writes operations on numbered vectors and constants: dst = x, x+y,
// x-y, c*x, dst + c*x and dst - c*x.
type arithmetic interface {
	move(x, dst int)
	add(x, y, dst int)
	sub(x, y, dst int)
	scale(c string, x, dst int)
	more(c string, x, dst int)
	less(c string, x, dst int)
}

// transform multiplies planes of from x from vectors by a matrix from the left,
// and by its transpose from the right.
type transform struct {
	*file
	instructions
	name      string
	from, to  int
	constants []string
	bias      bool
	line      func(t arithmetic) (results []int) // of vectors 0 to from-1

	first    int  // register of vector 0
	fromBF16 bool // what is read is bfloat16
	toBF16   bool // so is what is written, after an optional operand is added
}

func (t transform) vec(i int) string { return fmt.Sprint(t.reg, t.first+i) }

func (t transform) register(i int) string { return fmt.Sprint(t.reg, i) }

// constant is the register of one, from the last on.
func (t transform) constant(name string) string {
	last := map[string]int{"Z": 31, "Y": 15}[t.reg]
	for i, c := range t.constants {
		if c == name {
			return t.register(last - i)
		}
	}
	panic(name)
}

// start reads the argument.
func (t transform) start() {
	t.text(t.name+t.instructions.name, "(t *planes)", 8)
	t.op("MOVQ t+0(FP), AX")
	t.op("MOVQ planes_Src(AX), SI")
	t.op("MOVQ planes_SrcRow(AX), R8")
	t.op("MOVQ planes_SrcCol(AX), R9")
	t.op("MOVQ planes_Dst(AX), DI")
	t.op("MOVQ planes_DstRow(AX), R10")
	t.op("MOVQ planes_DstCol(AX), R11")
	t.op("MOVQ planes_Middle(AX), R12")
	t.op("MOVQ planes_N(AX), CX")
	if t.bias {
		t.op("MOVQ planes_Bias(AX), R13")
	}
	for _, c := range t.constants {
		t.op("VBROADCASTSS constants<>+%d(SB), %s", constantAt(c), t.constant(c))
	}
}

func (t transform) write() {
	t.start()
	srcBytes, dstBytes := t.width, t.width
	if t.fromBF16 {
		srcBytes /= 2
	}
	if t.toBF16 {
		dstBytes /= 2
	}
	adding := t.toBF16 && t.bias
	if adding { // without an Add, the output is read in its place, and masked out
		t.op("MOVQ planes_Add(AX), R14")
		t.op("KXORW K1, K1, K1")
		t.op("TESTQ R14, R14")
		t.op("CMOVQEQ DI, R14")
		t.op("JEQ alone")
		t.op("KXNORW K1, K1, K1")
		t.label("alone")
		t.op("SUBQ DI, R14")
	}
	t.op("PCALIGN $32")
	t.label("loop")
	t.op("MOVQ SI, DX")
	for column := range t.from {
		for i := range t.from {
			t.load(t.at("DX", "R8", i), t.vec(i))
		}
		for row, v := range t.line(t) {
			t.op("VMOVUPS %s, %d(R12)", t.vec(v), t.middle(row, column))
		}
		t.op("ADDQ R9, DX")
	}
	t.op("MOVQ DI, DX")
	for row := range t.to {
		for i := range t.from {
			t.op("VMOVUPS %d(R12), %s", t.middle(row, i), t.vec(i))
		}
		results := t.line(t)
		if adding {
			t.op("LEAQ (DX)(R14*1), R15")
			for column, v := range results {
				add := t.register(20 + column)
				t.op("VPMOVZXWD.Z %s, K1, %s", t.at("R15", "R11", column), add)
				t.op("VPSLLD $16, %[1]s, %[1]s", add)
				t.op("VADDPS (R13), %[1]s, %[1]s", t.vec(v))
				t.op("VADDPS %s, %[2]s, %[2]s", add, t.vec(v))
			}
		} else if t.bias {
			for _, v := range results {
				t.op("VADDPS (R13), %[1]s, %[1]s", t.vec(v))
			}
		}
		for column, v := range results {
			t.store(t.vec(v), t.at("DX", "R11", column))
		}
		t.op("ADDQ R10, DX")
	}
	t.op("ADDQ $%d, SI", srcBytes)
	t.op("ADDQ $%d, DI", dstBytes)
	if t.bias {
		t.op("ADDQ $%d, R13", t.width)
	}
	t.op("SUBQ $%d, CX", t.width/4)
	t.op("JGT loop")
	t.op("VZEROUPPER")
	t.op("RET")
}

// load reads a vector of the source.
func (t transform) load(from, to string) {
	if !t.fromBF16 {
		t.op("VMOVUPS %s, %s", from, to)
		return
	}
	t.op("VPMOVZXWD %s, %s", from, to)
	t.op("VPSLLD $16, %[1]s, %[1]s", to)
}

// store writes a vector of the result.
func (t transform) store(v, to string) {
	if !t.toBF16 {
		t.op("VMOVUPS %s, %s", v, to)
		return
	}
	narrowPair(t.file, v, v, v)
	t.op("VMOVDQU16 Y%s, %s", v[1:], to)
}

// writeInterleaving writes a transform of a panel of 32 values a line, two
// lines at a time, to one line of pairs.
func (t transform) writeInterleaving() {
	const lineBytes, pairs, order = 128, 20, 21
	t.start()
	t.op("VMOVUPS interleave<>+0(SB), %s", t.register(order))
	t.label("loop")
	odd := t
	odd.first = 9
	for half := range 2 {
		for i := range 2 {
			t.op("LEAQ %d(SI), DX", i*lineBytes+half*t.width)
			for column := range t.from {
				for row := range t.from {
					t.load(t.at("DX", "R8", row), t.vec(row))
				}
				for row, v := range t.line(t) {
					t.op("VMOVUPS %s, %d(R12)", t.vec(v), i*t.middleBytes()+t.middle(row, column))
				}
				t.op("ADDQ R9, DX")
			}
		}
		t.op("LEAQ %d(DI), DX", half*t.width)
		for row := range t.to {
			for i, lines := range []transform{t, odd} {
				for column := range t.from {
					t.op("VMOVUPS %d(R12), %s", i*t.middleBytes()+t.middle(row, column), lines.vec(column))
				}
			}
			evens, odds := t.line(t), odd.line(odd)
			for column := range evens {
				narrowPair(t.file, t.vec(evens[column]), odd.vec(odds[column]), t.register(pairs))
				t.op("VPERMW %s, %s, %s", t.register(pairs), t.register(order), t.register(pairs))
				t.op("VMOVUPS %s, %s", t.register(pairs), t.at("DX", "R11", column))
			}
			t.op("ADDQ R10, DX")
		}
	}
	t.op("ADDQ $%d, SI", 2*lineBytes)
	t.op("ADDQ $%d, DI", lineBytes)
	t.op("SUBQ $%d, CX", 2*lineBytes/4)
	t.op("JGT loop")
	t.op("VZEROUPPER")
	t.op("RET")
}

// middleBytes is what the transformed columns of one source take.
func (t transform) middleBytes() int { return t.to * t.from * t.width }

func (t transform) middle(row, column int) int { return (row*t.from + column) * t.width }

// at is the i-th of vectors a stride apart; calls come in order of i.
func (t transform) at(base, stride string, i int) string {
	if i == 3 {
		t.op("LEAQ (%s)(%s*2), BX", stride, stride)
		t.op("ADDQ %s, BX", base)
	}
	if i >= 3 {
		base = "BX"
	}
	return fmt.Sprintf("(%s)%s", base, []string{"", "(" + stride + "*1)", "(" + stride + "*2)"}[i%3])
}

// transform is the arithmetic of amd64.

func (t transform) move(x, dst int)   { t.op("VMOVAPS %s, %s", t.vec(x), t.vec(dst)) }
func (t transform) add(x, y, dst int) { t.op("VADDPS %s, %s, %s", t.vec(y), t.vec(x), t.vec(dst)) }
func (t transform) sub(x, y, dst int) { t.op("VSUBPS %s, %s, %s", t.vec(y), t.vec(x), t.vec(dst)) }

func (t transform) scale(c string, x, dst int) { t.times("VMULPS", c, x, dst) }
func (t transform) more(c string, x, dst int)  { t.times("VFMADD231PS", c, x, dst) }
func (t transform) less(c string, x, dst int)  { t.times("VFNMADD231PS", c, x, dst) }

func (t transform) times(op, c string, x, dst int) {
	t.op("%s %s, %s, %s", op, t.constant(c), t.vec(x), t.vec(dst))
}

// inputLine multiplies d by the coefficients of the products of x-q over the
// points q but one.
func inputLine(t arithmetic) []int {
	t.move(4, 6)
	t.move(4, 7)
	t.more("-bb", 2, 6)
	t.more("-aa", 2, 7)
	t.more("-aa-bb", 2, 4)
	t.more("aabb", 0, 4)
	t.move(3, 8)
	t.move(3, 9)
	t.more("-bb", 1, 8)
	t.more("-aa", 1, 9)
	t.more("-aa-bb", 3, 5)
	t.more("aabb", 1, 5)
	t.move(6, 0)
	t.move(7, 1)
	t.more("a", 8, 0)
	t.less("a", 8, 6)
	t.more("b", 9, 1)
	t.less("b", 9, 7)
	return []int{4, 0, 6, 1, 7, 5}
}

// filterLine evaluates g at the points, divided by their norms.
func filterLine(t arithmetic) []int {
	for i, x := range []string{"a", "b"} {
		t.scale("1/n"+x, 0, 3)
		t.more(x+x+"/n"+x, 2, 3)
		t.scale(x+"/n"+x, 1, 4)
		t.add(3, 4, 5+2*i)
		t.sub(3, 4, 6+2*i)
	}
	t.scale("1/n0", 0, 0)
	return []int{0, 5, 6, 7, 8, 2}
}

// outputLine multiplies m by the powers of the points.
func outputLine(t arithmetic) []int {
	t.add(1, 2, 6)
	t.sub(1, 2, 7)
	t.add(3, 4, 8)
	t.sub(3, 4, 9)
	t.add(0, 6, 0)
	t.add(0, 8, 0)
	t.scale("a", 7, 1)
	t.more("b", 9, 1)
	t.scale("aa", 6, 2)
	t.more("bb", 8, 2)
	t.more("aaa", 7, 5)
	t.more("bbb", 9, 5)
	return []int{0, 1, 2, 5}
}
