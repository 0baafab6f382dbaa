package gemm

// Output is what the tiles of one unit of work are added to and stored in.
// Sums that go to bfloat16, or through a gate, are kept in float32 until they are complete.
type Output struct {
	C        []float32
	C16      []uint16 // bfloat16, instead of C
	Add      []float32
	Add16    []uint16 // bfloat16, instead of Add; may be C16
	Epilogue func([]float32)
	Gate     func(dst, a, b []float32)
	Partial  []float32 // with C16 or Gate
}

// Place is where the first row of a tile begins in each operand of an Output,
// and how far the next row is, in values. Gated is where in Partial the values
// are, row after row, that a tile of gates is for.
type Place struct{ C, LDC, Add, LDAdd, Partial, LDPartial, Gated int }

// Run computes a tile, which is the first or the last block of its sum, or
// both. It sets C and Add of t.
func (o *Output) Run(kn Kernel, t *Tile, at Place, first, last bool) {
	sums, from, ld := o.C, at.C, at.LDC
	if o.C16 != nil || o.Gate != nil {
		sums, from, ld = o.Partial, at.Partial, at.LDPartial
	}
	rows, cols := int(t.Rows), int(t.Cols)
	t.C, t.LDC = At(sums, from), bytes(ld)
	t.Add, t.LDAdd = t.C, t.LDC
	switch {
	case !first:
	case o.Add16 != nil:
		kn.widen(grid[float32]{sums[from:], ld}, grid[uint16]{o.Add16[at.Add:], at.LDAdd}, rows, cols)
	default:
		t.Add, t.LDAdd = At(o.Add, at.Add), bytes(at.LDAdd)
	}
	kn.Run(t)
	if !last {
		return
	}
	if o.Epilogue != nil {
		for r := range rows {
			o.Epilogue(sums[from+r*ld:][:cols])
		}
	}
	if o.Gate != nil {
		values := sums[at.Gated:][:rows*cols]
		o.Gate(values, values, sums[from:])
		from = at.Gated
		if o.C16 == nil {
			for r := range rows {
				copy(o.C[at.C+r*at.LDC:], values[r*cols:][:cols])
			}
		}
	}
	if o.C16 != nil {
		kn.narrow(grid[uint16]{o.C16[at.C:], at.LDC}, grid[float32]{sums[from:], ld}, rows, cols)
	}
}
