package winograd

import "unsafe"

// planes is the argument of a transform: N values of each of some planes, which
// form a square before and after it. Strides are in bytes.
type planes struct {
	Src            unsafe.Pointer
	SrcRow, SrcCol uintptr
	Dst            unsafe.Pointer
	DstRow, DstCol uintptr
	Bias           unsafe.Pointer // [N], of the output transforms alone
	Add            unsafe.Pointer // bfloat16 or nil, of outputBF16 alone, strides apart as Dst
	N              uintptr        // a multiple of lanes in assembly
	Middle         unsafe.Pointer // middleLen values of scratch memory
}

const (
	lanes     = 16 // of the widest vectors
	size      = 6  // of a transformed tile
	spots     = size * size
	middleLen = spots * lanes
	tile      = 4 // of the output
)

// The points at which polynomials are evaluated, beside 0 and infinity, are a,
// -a, b and -b. These give less than half of the error of the usual 1 and 2.
const (
	a  = 5. / 8
	b  = 3. / 2
	aa = a * a
	bb = b * b

	// The products of a point's differences from the others.
	norm0 = aa * bb
	normA = 2 * aa * (aa - bb)
	normB = 2 * bb * (bb - aa)
)

// kind is one of the three transforms, or one of their variants for products of
// pairs of bfloat16, which take whole vectors: inputBF16 reads and writes
// bfloat16, filterBF16 writes lines of pairs, and outputBF16 writes bfloat16.
type kind uint8

const (
	input kind = iota
	filter
	output
	inputBF16
	filterBF16
	outputBF16
)

// transform transforms n values: whole vectors by an instruction set, the rest in Go.
func (p *Plan) transform(k kind, t planes) {
	n := t.N
	if t.N = n &^ (lanes - 1); t.N > 0 {
		p.vectors(k, &t)
	}
	if t.N == n {
		return
	}
	done := 4 * t.N
	t.Src, t.Dst, t.N = unsafe.Add(t.Src, done), unsafe.Add(t.Dst, done), n-t.N
	if t.Bias != nil {
		t.Bias = unsafe.Add(t.Bias, done)
	}
	t.generic(k)
}

// generic transforms the columns and then the rows of a value at a time.
func (t *planes) generic(k kind) {
	from := [...]int{input: size, filter: 3, output: size}[k]
	to := [...]int{input: size, filter: size, output: tile}[k]
	for i := range t.N {
		var middle [size][size]float32
		for x := range from {
			var v [size]float32
			for y := range from {
				v[y] = *(*float32)(unsafe.Add(t.Src, uintptr(y)*t.SrcRow+uintptr(x)*t.SrcCol+4*i))
			}
			k.line(&v)
			for y := range to {
				middle[y][x] = v[y]
			}
		}
		var bias float32
		if t.Bias != nil {
			bias = *(*float32)(unsafe.Add(t.Bias, 4*i))
		}
		for y := range to {
			k.line(&middle[y])
			for x := range to {
				*(*float32)(unsafe.Add(t.Dst, uintptr(y)*t.DstRow+uintptr(x)*t.DstCol+4*i)) = middle[y][x] + bias
			}
		}
	}
}

// line transforms a row or a column.
func (k kind) line(v *[size]float32) {
	switch k {
	case input: // the coefficients of the products of x-q over the points q but one
		oddA, evenA := a*(v[3]-bb*v[1]), v[4]-bb*v[2]
		oddB, evenB := b*(v[3]-aa*v[1]), v[4]-aa*v[2]
		*v = [size]float32{
			aa*bb*v[0] - (aa+bb)*v[2] + v[4],
			evenA + oddA, evenA - oddA,
			evenB + oddB, evenB - oddB,
			aa*bb*v[1] - (aa+bb)*v[3] + v[5],
		}
	case filter: // the values at the points, over their norms
		oddA, evenA := a/normA*v[1], 1/normA*v[0]+aa/normA*v[2]
		oddB, evenB := b/normB*v[1], 1/normB*v[0]+bb/normB*v[2]
		*v = [size]float32{1 / norm0 * v[0], evenA + oddA, evenA - oddA, evenB + oddB, evenB - oddB, v[2]}
	case output: // the powers of the points
		evenA, oddA, evenB, oddB := v[1]+v[2], v[1]-v[2], v[3]+v[4], v[3]-v[4]
		*v = [size]float32{
			v[0] + evenA + evenB,
			a*oddA + b*oddB,
			aa*evenA + bb*evenB,
			v[5] + aa*a*oddA + bb*b*oddB,
		}
	}
}
