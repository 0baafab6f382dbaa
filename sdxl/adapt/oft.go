package adapt

import (
	"fmt"
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// maxBlock bounds the blocks of an OFT: they are inverted, by work of its third power.
const maxBlock = 2048

// oft reads rotations of blocks of rows: each is (I+Q)(I-Q)^-1 of a skew-symmetric
// Q, by which LyCORIS multiplies from the transposed side; oft_diag holds the
// rotation itself.
func (f *File) oft(m *module, t *target, c *change) error {
	c.kind = "OFT"
	key := m.parts["oft_blocks"]
	if key == "" {
		key = m.parts["oft_diag"]
	}
	blocks, err := f.floats(key)
	if err != nil {
		return err
	}
	s := blocks.Shape()
	if len(s) == 4 {
		return f.boft(m, t, c, key, blocks)
	}
	if len(s) != 3 || s[1] != s[2] || s[0]*s[1] != t.shape[0] || s[1] > maxBlock {
		return fmt.Errorf("%s%v are no square blocks for %d rows", key, s, t.shape[0])
	}
	rotations, err := f.rotations(m, blocks, s[0], s[1], t.shape[0])
	if err != nil {
		return err
	}
	out := tensor.New(tensor.F32, s...)
	rescale, err := f.rescale(m, t)
	if err != nil {
		return err
	}
	b := s[1]
	c.rank = b
	for i := range out.Float32s() {
		block, row, col := i/(b*b), i/b%b, i%b
		v := rotations[block*b*b+col*b+row] * rescale[block*b+row]
		if row == col {
			v--
		}
		out.Float32s()[i] = float32(v)
	}
	c.weights = []nn.Delta{nn.Mix{Blocks: made(f.Name+"/"+key, out), Scale: 1}}
	return nil
}

// rescale returns what rows are multiplied by after the rotation.
func (f *File) rescale(m *module, t *target) ([]float64, error) {
	v := make([]float64, t.shape[0])
	for i := range v {
		v[i] = 1
	}
	key := m.parts["rescale"]
	if key == "" {
		return v, nil
	}
	r, err := f.floats(key)
	if err != nil {
		return nil, err
	}
	if r.NumElements() != len(v) {
		return nil, fmt.Errorf("%s%v is no factor for each of %d rows", key, r.Shape(), len(v))
	}
	for i, x := range r.Float32s() {
		v[i] = float64(x)
	}
	return v, nil
}

// rotations returns count matrices of b x b. The norm of all Q together is limited
// to alpha times the rows of the weight, if there is one.
func (f *File) rotations(m *module, blocks *tensor.Tensor, count, b, rows int) ([]float64, error) {
	in := blocks.Float32s()
	r := make([]float64, len(in))
	if m.parts["oft_diag"] != "" {
		for i, v := range in {
			r[i] = float64(v)
		}
		return r, nil
	}
	limit := 0.0
	if key := m.parts["alpha"]; key != "" {
		var err error
		if limit, err = f.number(key); err != nil {
			return nil, err
		}
		limit *= float64(rows)
	}
	norm := 0.0
	for k := range count {
		for i := range b {
			for j := range b {
				q := float64(in[(k*b+i)*b+j]) - float64(in[(k*b+j)*b+i])
				r[(k*b+i)*b+j] = q
				norm += q * q
			}
		}
	}
	if norm = math.Sqrt(norm) + 1e-8; limit > 0 && norm > limit {
		for i := range r {
			r[i] *= limit / norm
		}
	}
	for k := range count {
		if err := cayley(r[k*b*b:][:b*b], b); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// cayley sets q to (I+q)(I-q)^-1. Both factors commute, so it is solved as
// (I-q) x = I+q.
func cayley(q []float64, n int) error {
	a, x := make([]float64, n*n), make([]float64, n*n)
	for i := range n {
		for j := range n {
			a[i*n+j], x[i*n+j] = -q[i*n+j], q[i*n+j]
		}
		a[i*n+i]++
		x[i*n+i]++
	}
	for c := range n {
		p := c
		for i := c + 1; i < n; i++ {
			if math.Abs(a[i*n+c]) > math.Abs(a[p*n+c]) {
				p = i
			}
		}
		d := a[p*n+c]
		if !(math.Abs(d) > 0) || math.IsInf(d, 0) {
			return fmt.Errorf("a block of %d x %d has no inverse", n, n)
		}
		for j := range n {
			a[c*n+j], a[p*n+j] = a[p*n+j], a[c*n+j]
			x[c*n+j], x[p*n+j] = x[p*n+j], x[c*n+j]
		}
		for j := range n {
			a[c*n+j] /= d
			x[c*n+j] /= d
		}
		for i := range n {
			w := a[i*n+c]
			if i == c || w == 0 {
				continue
			}
			for j := range n {
				a[i*n+j] -= w * a[c*n+j]
				x[i*n+j] -= w * x[c*n+j]
			}
		}
	}
	copy(q, x)
	return nil
}

// boft reads a butterfly: stages of rotations, in each of which a block mixes rows
// from twice as far (Liu et al. 2023). Together they mix blocks of
// b 2^(stages-1) rows, which is what the weight is multiplied by.
func (f *File) boft(m *module, t *target, c *change, key string, blocks *tensor.Tensor) error {
	c.kind = "BOFT"
	s, rows := blocks.Shape(), t.shape[0]
	if s[2] != s[3] || s[2]%2 != 0 || s[1]*s[2] != rows || s[0] < 1 || s[0] > 16 {
		return fmt.Errorf("%s%v are no stages of square blocks for %d rows", key, s, rows)
	}
	stages, b := s[0], s[2]
	size := b << (stages - 1)
	if size > rows || rows%size != 0 {
		return fmt.Errorf("%s%v has more stages than %d rows have", key, s, rows)
	}
	c.rank = b
	rotations, err := f.rotations(m, blocks, stages*s[1], b, rows)
	if err != nil {
		return err
	}
	rescale, err := f.rescale(m, t)
	if err != nil {
		return err
	}
	out := tensor.New(tensor.F32, rows/size, size, size)
	for from := 0; from < rows; from += size {
		x := identity(size)
		for i := range stages {
			x = stage(x, rotations[(i*s[1]+from/b)*b*b:], size, b, b/2<<i)
		}
		dst := out.Float32s()[from*size:][:size*size]
		for at, v := range x {
			row := at / size
			v *= rescale[from+row]
			if row == at%size {
				v--
			}
			dst[at] = float32(v)
		}
	}
	c.weights = []nn.Delta{nn.Mix{Blocks: made(f.Name+"/"+key, out), Scale: 1}}
	return nil
}

func identity(n int) []float64 {
	x := make([]float64, n*n)
	for i := range n {
		x[i*n+i] = 1
	}
	return x
}

// stage multiplies x, which has n rows and columns, by one stage: pairs of rows
// k apart are brought together, blocks of b rows are rotated, and all rows are
// put back.
func stage(x, rotations []float64, n, b, k int) []float64 {
	// place returns the row that is at i once pairs are together.
	place := func(i int) int { return i/(2*k)*2*k + i%2*k + i%(2*k)/2 }
	y := make([]float64, len(x))
	for i := range n {
		dst := y[place(i)*n:][:n]
		for j := range b {
			w := rotations[i*b+j]
			for c, v := range x[place(i/b*b+j)*n:][:n] {
				dst[c] += w * v
			}
		}
	}
	return y
}
