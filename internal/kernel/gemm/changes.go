package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// Changes make another matrix of a weight W [N,K] while its rows are read, in
// float32, so that none is kept in memory:
//
//	(Rows[n] + Columns[k]) W[n,k] + the sum of the parts at n, k
//
// Neither how rows are cut into stretches nor the height of a tile changes a bit.
type Changes struct {
	Rows      []float32 // [N]; nil is 1
	Columns   []float32 // [K]; nil is 0
	LowRank   []LowRank
	Hadamard  []Hadamard
	Kronecker []Kronecker
	Dense     []Dense
	Mixes     []Mix
}

// Factor is what the values of a part are multiplied by:
// Scale Rows[n] Columns[k].
type Factor struct {
	Scale   float32
	Rows    []float32 // nil is 1
	Columns []float32 // nil is 1
}

// LowRank is the product Up Down of matrices [N,Rank] and [Rank,K].
type LowRank struct {
	Factor
	Product
}

// Product is Up Down, of matrices [N,Rank] and [Rank,K]. Rows of Down are of
// adjacent values, and so are those of Up.
type Product struct {
	Up, Down Matrix
	Rank     int
}

// Hadamard is the product, value by value, of two products.
type Hadamard struct {
	Factor
	A, B Product
}

// Kronecker is the Kronecker product of A and B; B is [BRows,BCols].
type Kronecker struct {
	Factor
	A, B         Matrix
	BRows, BCols int
}

// Dense is a matrix [N,K].
type Dense struct {
	Factor
	Diff Matrix
}

// Mix multiplies blocks of Size rows of the weight, as it is without changes,
// with matrices from the left: those in Blocks, [N/Size,Size,Size].
type Mix struct {
	Factor
	Blocks []float32
	Size   int
}

// rankStep is how many ranks are added at a time.
const rankStep = 32

// area is rows n to n+rows and columns k to k+cols of a weight: mostNR rows and
// a stretch of columns at most. In memory a row takes a stretch.
type area struct{ n, rows, k, cols int }

// widen sets dst to an area of the weight in float32.
func (m Matrix) widen(dst []float32, a area) {
	for r := range a.rows {
		m.plainRow(dst[r*stretch:][:a.cols], a.n+r, a.k)
	}
	if c := m.Changes; c != nil {
		c.apply(dst, a, m)
	}
}

func (c *Changes) apply(dst []float32, a area, m Matrix) {
	if c.Rows != nil || c.Columns != nil {
		for r := range a.rows {
			row, factor := dst[r*stretch:][:a.cols], float32(1)
			if c.Rows != nil {
				factor = c.Rows[a.n+r]
			}
			for i := range row {
				f := factor
				if c.Columns != nil {
					f += c.Columns[a.k+i]
				}
				row[i] *= f
			}
		}
	}
	for i := range c.LowRank {
		p := &c.LowRank[i]
		p.Product.add(dst, a, &p.Factor)
	}
	for i := range c.Hadamard {
		c.Hadamard[i].add(dst, a)
	}
	for i := range c.Kronecker {
		c.Kronecker[i].add(dst, a)
	}
	for i := range c.Dense {
		c.Dense[i].add(dst, a)
	}
	for i := range c.Mixes {
		c.Mixes[i].add(dst, a, m)
	}
}

// row returns the factor of a row but for those of its columns.
func (f *Factor) row(n int) float32 {
	if f.Rows == nil {
		return f.Scale
	}
	return f.Scale * f.Rows[n]
}

// add adds v times the factors to part of row n of an area, from column k on.
func (f *Factor) add(dst, v []float32, n, k int) {
	scale := f.row(n)
	if f.Columns == nil {
		for i, x := range v {
			dst[i] += scale * x
		}
		return
	}
	for i, x := range v {
		dst[i] += scale * f.Columns[k+i] * x
	}
}

// add adds the product, times a factor, to an area.
func (p *Product) add(dst []float32, a area, f *Factor) {
	var up [mostNR * rankStep]float32
	var down [rankStep * stretch]float32
	kn := Current()
	for r := 0; r < p.Rank; r += kn.NR {
		ranks := min(kn.NR, p.Rank-r)
		for i := range a.rows {
			row, scale := up[i*rankStep:][:ranks], f.row(a.n+i)
			p.Up.plainRow(row, a.n+i, r)
			for j := range row {
				row[j] *= scale
			}
		}
		for j := range ranks {
			var line [stretch]float32
			p.Down.plainRow(line[:a.cols], r+j, a.k)
			if f.Columns != nil {
				for i, c := range f.Columns[a.k:][:a.cols] {
					line[i] *= c
				}
			}
			for c := 0; c < a.cols; c += kn.NR {
				copy(down[c*ranks+j*kn.NR:][:kn.NR], line[c:])
			}
		}
		kn.addTiles(dst, up[:], down[:], a, ranks, rankStep)
	}
}

// addTiles adds the product of rows of ranks values, which are lda apart, with
// panels of as many lines.
func (kn Kernel) addTiles(dst, rows, panels []float32, a area, ranks, lda int) {
	t := Tile{
		Segs: &Whole, NSeg: 1, K: uintptr(ranks), Cols: uintptr(a.cols), LDA: bytes(lda),
		B: unsafe.Pointer(&panels[0]), PanelStride: bytes(ranks * kn.NR), LDC: bytes(stretch), LDAdd: bytes(stretch),
	}
	for i, n := 0, 0; i < a.rows; i += n {
		n = kn.Rows(a.rows - i)
		t.Rows = uintptr(n)
		t.A, t.C = unsafe.Pointer(&rows[i*lda]), unsafe.Pointer(&dst[i*stretch])
		t.Add = t.C
		kn.Run(&t)
	}
}

func (h *Hadamard) add(dst []float32, a area) {
	var first, second [mostNR * stretch]float32
	one := Factor{Scale: 1}
	h.A.add(first[:], a, &one)
	h.B.add(second[:], a, &one)
	for r := range a.rows {
		row := first[r*stretch:][:a.cols]
		for i, v := range second[r*stretch:][:a.cols] {
			row[i] *= v
		}
		h.Factor.add(dst[r*stretch:], row, a.n+r, a.k)
	}
}

func (p *Kronecker) add(dst []float32, a area) {
	var line [stretch]float32
	for r := range a.rows {
		n := a.n + r
		for i := 0; i < a.cols; {
			k := a.k + i
			at := k % p.BCols
			part := line[:min(a.cols-i, p.BCols-at)]
			p.B.plainRow(part, n%p.BRows, at)
			scale := p.A.value(n/p.BRows, k/p.BCols)
			for j := range part {
				part[j] *= scale
			}
			p.Factor.add(dst[r*stretch+i:], part, n, k)
			i += len(part)
		}
	}
}

func (p *Dense) add(dst []float32, a area) {
	var line [stretch]float32
	for r := range a.rows {
		p.Diff.plainRow(line[:a.cols], a.n+r, a.k)
		p.Factor.add(dst[r*stretch:], line[:a.cols], a.n+r, a.k)
	}
}

// add adds the mix to an area, block after block.
func (p *Mix) add(dst []float32, a area, m Matrix) {
	var sums [mostNR * stretch]float32
	for from := 0; from < a.rows; {
		block := (a.n + from) / p.Size
		part := area{a.n + from, min(a.rows-from, (block+1)*p.Size-a.n-from), a.k, a.cols}
		p.block(sums[from*stretch:], part, m, block)
		from += part.rows
	}
	for r := range a.rows {
		p.Factor.add(dst[r*stretch:], sums[r*stretch:][:a.cols], a.n+r, a.k)
	}
}

// block adds to an area of rows of one block.
func (p *Mix) block(dst []float32, a area, m Matrix, block int) {
	var panels [rankStep * stretch]float32
	kn := Current()
	matrix := p.Blocks[block*p.Size*p.Size:]
	for j := 0; j < p.Size; j += rankStep {
		lines := min(rankStep, p.Size-j)
		for i := range lines {
			var line [stretch]float32
			m.plainRow(line[:a.cols], block*p.Size+j+i, a.k)
			for c := 0; c < a.cols; c += kn.NR {
				copy(panels[c*lines+i*kn.NR:][:kn.NR], line[c:])
			}
		}
		kn.addTiles(dst, matrix[(a.n-block*p.Size)*p.Size+j:], panels[:], a, lines, p.Size)
	}
}

// plainRow sets dst to values of row n, from column k on, without changes.
func (m Matrix) plainRow(dst []float32, n, k int) {
	switch {
	case m.Format.Quantised():
		m.Scales.Row(dst, m.Data, m.Format, m.RowStride, n, k)
	case m.ColStride == 1:
		stored := unsafe.Add(m.Data, (n*m.RowStride+k)*m.Format.Size())
		convert.ToF32(dst, unsafe.Slice((*byte)(stored), len(dst)*m.Format.Size()), m.Format)
		m.Scales.ScaleRow(dst, n)
	default:
		for i := range dst {
			dst[i] = m.value(n, k+i)
		}
	}
}
