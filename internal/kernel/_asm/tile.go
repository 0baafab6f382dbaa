package main

import "fmt"

// instructions is a vector instruction set with what the micro-kernel takes
// from its registers: rows x 2 accumulators, two vectors of the panel, and a
// few broadcast values of A.
type instructions struct {
	name       string
	reg        string // of a whole vector
	width      int    // bytes of a vector
	rows       int
	broadcasts int
}

var (
	avx512 = instructions{name: "AVX512", reg: "Z", width: 64, rows: 12, broadcasts: 6}
	avx2   = instructions{name: "AVX2", reg: "Y", width: 32, rows: 6, broadcasts: 2}
)

const (
	unroll   = 4    // steps of k in the main loop
	prefetch = 1536 // bytes ahead in the panels
)

func (in instructions) acc(row, half int) string {
	return fmt.Sprint(in.reg, 2+in.broadcasts+2*row+half)
}

func (in instructions) broadcast(row int) string {
	return fmt.Sprint(in.reg, 2+row%in.broadcasts)
}

// line is the bytes of a line of a panel.
func (in instructions) line() int { return 2 * in.width }

// The general registers of the micro-kernel. CX is for everything short-lived.
const (
	tileArg   = "AX"
	colsLeft  = "BX"
	colOffset = "DX" // bytes from the first column of C to the panel's
	segment   = "DI" // also a row stride before and after the sum
	panel     = "SI"
	stride    = "R12"
	line      = "R13"
	segsLeft  = "R14"
	ahead     = "R15" // bytes from a row of A to the one of the next tile to fetch
)

// rowBases point to rows 0, 3, 6 and 9 of A.
var rowBases = []string{"R8", "R9", "R10", "R11"}

// rowOfA is the operand at an offset in a row of A.
func rowOfA(row, offset int) string {
	scaled := []string{"", "(" + stride + "*1)", "(" + stride + "*2)"}[row%3]
	return fmt.Sprintf("%d(%s)%s", offset, rowBases[row/3], scaled)
}

// tile returns a writer of the micro-kernel of a multiply-add instruction, with
// a variant for every number of rows.
func (in instructions) tile(name string, multiply multiplyAdd) func(f *file) {
	return func(f *file) { in.writeTile(f, name, multiply, "VADDPS") }
}

func (in instructions) writeTile(f *file, name string, multiply multiplyAdd, add string) {
	if in.reg == "Y" {
		f.words("masks", onesAndZeros(2*in.width/4))
	}
	f.text(name, "(t *Tile)", 8)
	f.op("MOVQ t+0(FP), %s", tileArg)
	f.op("MOVQ Tile_B(%s), %s", tileArg, panel)
	f.op("MOVQ Tile_LDA(%s), %s", tileArg, stride)
	f.op("MOVQ Tile_Cols(%s), %s", tileArg, colsLeft)
	f.op("XORQ %s, %s", colOffset, colOffset)
	f.op("MOVQ Tile_Rows(%s), CX", tileArg)
	for rows := in.rows; rows > 1; rows-- {
		f.op("CMPQ CX, $%d", rows)
		f.op("JEQ rows%d", rows)
	}
	for rows := 1; rows <= in.rows; rows++ {
		f.label("rows%d", rows)
		tileRows{in, rows, fmt.Sprintf("rows%d_", rows), multiply, add, f}.write()
	}
}

// tileRows writes the variant for one number of rows.
type tileRows struct {
	instructions
	rows   int
	prefix string // of labels

	multiply multiplyAdd
	add      string // instruction that adds sums
	*file
}

func (t tileRows) mark(label string) { t.label("%s", t.prefix+label) }

func (t tileRows) jump(op, label string) { t.op("%s %s", op, t.prefix+label) }

func (t tileRows) write() {
	t.op("IMUL3Q $%d, %s, %s", t.rows, stride, ahead)
	t.mark("panel")
	if t.reg == "Z" {
		t.setMasks()
	}
	t.startWithBias()
	t.fetchAdd()
	t.sum()
	t.finish()
	t.op("ADDQ %s, %s", stride, ahead)
	t.op("ADDQ $%d, %s", t.line(), colOffset)
	t.op("ADDQ Tile_PanelStride(%s), %s", tileArg, panel)
	t.op("SUBQ $%d, %s", t.line()/4, colsLeft)
	t.jump("JGT", "panel")
	t.op("VZEROUPPER")
	t.op("RET")
}

// setMasks sets K1 and K2 to the columns that are left in the halves of the panel.
func (t tileRows) setMasks() {
	t.op("KXNORW K1, K1, K1")
	t.op("KXNORW K2, K2, K2")
	t.op("CMPQ %s, $%d", colsLeft, t.line()/4)
	t.jump("JGE", "masked")
	t.op("MOVQ %s, CX", colsLeft)
	t.op("MOVL $1, %s", segment)
	t.op("SHLL CX, %s", segment)
	t.op("DECL %s", segment)
	t.op("KMOVW %s, K1", segment)
	t.op("SHRL $16, %s", segment)
	t.op("KMOVW %s, K2", segment)
	t.mark("masked")
}

// partial branches to label if the panel is not full, with the masks of its
// halves in Y0 and Y1. AVX-512 masks every access instead.
func (t tileRows) partial(label string) {
	full := label + "_not"
	t.op("CMPQ %s, $%d", colsLeft, t.line()/4)
	t.jump("JGE", full)
	t.op("LEAQ masks<>+%d(SB), R8", t.line())
	t.op("MOVQ %s, R9", colsLeft)
	t.op("SHLQ $2, R9")
	t.op("SUBQ R9, R8")
	t.op("VMOVUPS (R8), Y0")
	t.op("VMOVUPS %d(R8), Y1", t.width)
	t.jump("JMP", label)
	t.mark(full)
}

// at is the operand of half a line of C, Add or Bias, with its mask if any.
func (t tileRows) at(base string, half int) string {
	return fmt.Sprintf("%d(%s)", half*t.width, base)
}

// startWithBias sets the accumulators to the bias, or 0 if there is none.
func (t tileRows) startWithBias() {
	t.op("MOVQ Tile_Bias(%s), CX", tileArg)
	t.op("TESTQ CX, CX")
	t.jump("JNE", "bias")
	for r := range t.rows {
		for half := range 2 {
			a := t.acc(r, half)
			if t.reg == "Z" {
				t.op("VPXORD %s, %s, %s", a, a, a)
			} else {
				t.op("VXORPS %s, %s, %s", a, a, a)
			}
		}
	}
	t.jump("JMP", "started")
	t.mark("bias")
	t.op("ADDQ %s, CX", colOffset)
	if t.reg == "Z" {
		for half := range 2 {
			t.op("VMOVUPS.Z %s, K%d, %s", t.at("CX", half), half+1, t.acc(0, half))
		}
	} else {
		t.partial("bias_part")
		for half := range 2 {
			t.op("VMOVUPS %s, %s", t.at("CX", half), t.acc(0, half))
		}
		t.jump("JMP", "spread")
		t.mark("bias_part")
		for half := range 2 {
			t.op("VMASKMOVPS %s, Y%d, %s", t.at("CX", half), half, t.acc(0, half))
		}
		t.mark("spread")
	}
	for r := 1; r < t.rows; r++ {
		for half := range 2 {
			t.op("VMOVAPS %s, %s", t.acc(0, half), t.acc(r, half))
		}
	}
	t.mark("started")
}

// eachRow points CX to the columns of the panel in every row of an operand.
func (t tileRows) eachRow(operand string, do func(row int)) {
	t.op("ADDQ %s, CX", colOffset)
	t.op("MOVQ Tile_LD%s(%s), %s", operand, tileArg, segment)
	for r := range t.rows {
		do(r)
		if r+1 < t.rows {
			t.op("ADDQ %s, CX", segment)
		}
	}
}

// fetchAdd fetches the rows of Add, which are needed after the sum.
func (t tileRows) fetchAdd() {
	t.op("MOVQ Tile_Add(%s), CX", tileArg)
	t.op("TESTQ CX, CX")
	t.jump("JEQ", "fetched")
	t.eachRow("Add", func(int) {
		for offset := 0; offset < t.line(); offset += 64 {
			t.op("PREFETCHT0 %d(CX)", offset)
		}
	})
	t.mark("fetched")
}

// sum adds the products of all segments.
func (t tileRows) sum() {
	bases := rowBases[:(t.rows+2)/3]
	t.op("MOVQ Tile_Segs(%s), %s", tileArg, segment)
	t.op("MOVQ Tile_NSeg(%s), %s", tileArg, segsLeft)
	t.op("TESTQ %s, %s", segsLeft, segsLeft)
	t.jump("JEQ", "summed")
	t.mark("segment")
	t.op("MOVQ Tile_A(%s), R8", tileArg)
	t.op("ADDQ Segment_A(%s), R8", segment)
	t.op("MOVQ %s, %s", panel, line)
	t.op("ADDQ Segment_B(%s), %s", segment, line)
	t.op("LEAQ (%s)(%s*2), CX", stride, stride)
	for i := 1; i < len(bases); i++ {
		t.op("LEAQ (%s)(CX*1), %s", bases[i-1], bases[i])
	}
	advance := func(steps int) {
		t.op("ADDQ $%d, %s", steps*t.line(), line)
		for _, b := range bases {
			t.op("ADDQ $%d, %s", 4*steps, b)
		}
	}
	t.op("MOVQ Tile_K(%s), CX", tileArg)
	t.op("SUBQ $%d, CX", unroll)
	t.jump("JLT", "rest")
	t.op("PCALIGN $32")
	t.mark("steps")
	// The next tile most often has the rows of A that follow. A panel fetches
	// every third of them to the second cache.
	for _, b := range bases {
		t.op("PREFETCHT1 (%s)(%s*1)", b, ahead)
	}
	for i := range unroll {
		t.step(i)
	}
	advance(unroll)
	t.op("SUBQ $%d, CX", unroll)
	t.jump("JGE", "steps")
	t.mark("rest")
	t.op("ADDQ $%d, CX", unroll)
	t.jump("JEQ", "next")
	t.mark("step")
	t.step(0)
	advance(1)
	t.op("DECQ CX")
	t.jump("JNE", "step")
	t.mark("next")
	t.op("ADDQ $Segment__size, %s", segment)
	t.op("DECQ %s", segsLeft)
	t.jump("JNE", "segment")
	t.mark("summed")
}

// step adds the products of one step of k, the i-th from the current one.
func (t tileRows) step(i int) {
	for half := range 2 {
		t.op("VMOVUPS %d(%s), %s%d", i*t.line()+half*t.width, line, t.reg, half)
	}
	for offset := 0; offset < t.line(); offset += 64 {
		t.op("PREFETCHT0 %d(%s)", i*t.line()+prefetch+offset, line)
	}
	for r := range t.rows {
		b := t.broadcast(r)
		t.op("VBROADCASTSS %s, %s", rowOfA(r, 4*i), b)
		for half := range 2 {
			t.multiply(t.file, fmt.Sprint(t.reg, half), b, t.acc(r, half))
		}
	}
}

// finish adds Add, if there is one, and stores the tile.
func (t tileRows) finish() {
	if t.reg == "Z" {
		t.finishMasked(
			func(row, half int) {
				a := t.acc(row, half)
				t.op("%s %s, %s, K%d, %s", t.add, t.at("CX", half), a, half+1, a)
			},
			func(row, half int) {
				t.op("VMOVUPS %s, K%d, %s", t.acc(row, half), half+1, t.at("CX", half))
			}, "")
		return
	}
	t.partial("part")
	t.finishMasked(
		func(row, half int) {
			a := t.acc(row, half)
			t.op("%s %s, %s, %s", t.add, t.at("CX", half), a, a)
		},
		func(row, half int) { t.op("VMOVUPS %s, %s", t.acc(row, half), t.at("CX", half)) }, "")
	t.jump("JMP", "finished")
	t.mark("part")
	t.finishMasked(
		func(row, half int) {
			a := t.acc(row, half)
			t.op("VMASKMOVPS %s, Y%d, Y2", t.at("CX", half), half)
			t.op("%s Y2, %s, %s", t.add, a, a)
		},
		func(row, half int) { t.op("VMASKMOVPS %s, Y%d, %s", t.acc(row, half), half, t.at("CX", half)) }, "part_")
	t.mark("finished")
}

func (t tileRows) finishMasked(add, store func(row, half int), prefix string) {
	t.op("MOVQ Tile_Add(%s), CX", tileArg)
	t.op("TESTQ CX, CX")
	t.jump("JEQ", prefix+"store")
	t.eachRow("Add", func(row int) { add(row, 0); add(row, 1) })
	t.mark(prefix + "store")
	t.op("MOVQ Tile_C(%s), CX", tileArg)
	t.eachRow("C", func(row int) { store(row, 0); store(row, 1) })
}
