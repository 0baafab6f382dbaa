package tensor

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/df65613c/easel/internal/bounded"
)

// naive is a tensor without strides: float64 values in row-major order.
type naive struct {
	shape []int
	v     []float64
}

// byteSource makes small numbers of bytes, zeros at their end.
type byteSource struct{ b []byte }

func (s *byteSource) n(m int) int {
	if len(s.b) == 0 || m <= 0 {
		return 0
	}
	c := int(s.b[0])
	s.b = s.b[1:]
	return c % m
}

func naiveOf(t *Tensor, raw []float64) naive {
	r := naive{shape: append([]int(nil), t.shape...)}
	n := 1
	for _, d := range t.shape {
		n *= d
	}
	idx := make([]int, len(t.shape))
	for range n {
		at := t.offset
		for a := range idx {
			at += idx[a] * t.strides[a]
		}
		r.v = append(r.v, raw[at])
		for a := len(idx) - 1; a >= 0; a-- {
			if idx[a]++; idx[a] < t.shape[a] {
				break
			}
			idx[a] = 0
		}
	}
	return r
}

func (r naive) at(idx []int) float64 { // with broadcasting from the right
	at, mul := 0, 1
	off := len(idx) - len(r.shape)
	for a := len(r.shape) - 1; a >= 0; a-- {
		i := idx[a+off]
		if r.shape[a] == 1 {
			i = 0
		}
		at += i * mul
		mul *= r.shape[a]
	}
	return r.v[at]
}

func naiveBroadcast(a, b []int) ([]int, bool) {
	n := max(len(a), len(b))
	out := make([]int, n)
	for i := range n {
		x, y := 1, 1
		if j := i - (n - len(a)); j >= 0 {
			x = a[j]
		}
		if j := i - (n - len(b)); j >= 0 {
			y = b[j]
		}
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			return nil, false
		}
	}
	return out, true
}

func each(shape []int, f func(idx []int)) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	idx := make([]int, len(shape))
	for range n {
		f(idx)
		for a := len(idx) - 1; a >= 0; a-- {
			if idx[a]++; idx[a] < shape[a] {
				break
			}
			idx[a] = 0
		}
	}
}

func same(a, b, tol float64) bool {
	return a == b || a != a && b != b || math.Abs(a-b) <= tol*(1+math.Abs(b))
}

// FuzzOps compares operations on strided tensors of any shape and type with
// loops over their indices.
func FuzzOps(f *testing.F) {
	for i := range 24 {
		f.Add([]byte{byte(i), 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, byte(i), 3, 2, 1})
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bounded.Check(t, len(data), bounded.Text, func() { compareOp(t, data) })
	})
}

// compareOp does what the bytes say.
func compareOp(t *testing.T, data []byte) {
	s := &byteSource{data}
	op := s.n(24)
	dts := []DType{F32, F64, I32, U8, F16, I64}
	dt := dts[s.n(len(dts))]
	make1 := func() (*Tensor, naive) {
		rank := s.n(5)
		shape, strides := make(Shape, rank), make([]int, rank)
		lo, hi := 0, 0
		for a := range rank {
			shape[a] = s.n(5)
			strides[a] = s.n(9) - 3
			if shape[a] > 1 {
				if strides[a] < 0 {
					lo += strides[a] * (shape[a] - 1)
				} else {
					hi += strides[a] * (shape[a] - 1)
				}
			}
		}
		off := -lo
		n := hi - lo + 1 + s.n(3)
		raw := make([]float64, n)
		buf := make([]byte, 0, n*8)
		for i := range raw {
			raw[i] = float64(s.n(23) + i%7)
			if dt != U8 && i%3 == 1 {
				raw[i] = -raw[i]
			}
			switch dt {
			case F32:
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(float32(raw[i])))
			case F64:
				buf = binary.LittleEndian.AppendUint64(buf, math.Float64bits(raw[i]))
			case I32:
				buf = binary.LittleEndian.AppendUint32(buf, uint32(int32(raw[i])))
			case I64:
				buf = binary.LittleEndian.AppendUint64(buf, uint64(int64(raw[i])))
			case U8:
				buf = append(buf, byte(raw[i]))
			case F16:
				h := half(float32(raw[i]))
				buf = binary.LittleEndian.AppendUint16(buf, h)
			}
		}
		x, err := FromStrided(dt, shape, strides, off, buf)
		if err != nil {
			t.Fatal(err)
		}
		return x, naiveOf(x, raw)
	}
	check := func(got *Tensor, err error, want naive, tol float64) {
		if err != nil {
			t.Fatalf("op %d %s: %v", op, dt, err)
		}
		if len(got.shape) != len(want.shape) {
			t.Fatalf("op %d shape %v want %v", op, got.shape, want.shape)
		}
		for i := range want.shape {
			if got.shape[i] != want.shape[i] {
				t.Fatalf("op %d shape %v want %v", op, got.shape, want.shape)
			}
		}
		i := 0
		for v := range Values[float64](got) {
			if !same(v, want.v[i], tol) {
				t.Fatalf("op %d %s element %d is %v want %v, shape %v", op, dt, i, v, want.v[i], want.shape)
			}
			i++
		}
	}
	a, na := make1()
	float := dt == F32 || dt == F64 || dt == F16
	tol := map[DType]float64{F32: 1e-5, F64: 1e-12, F16: 2e-3}[dt]
	switch {
	case op < 5: // binary
		b, nb := make1()
		fs := []struct {
			f func(a, b *Tensor) (*Tensor, error)
			g func(a, b float64) float64
		}{{Add, func(a, b float64) float64 { return a + b }}, {Sub, func(a, b float64) float64 { return a - b }}, {Mul, func(a, b float64) float64 { return a * b }},
			{Maximum, math.Max}, {Minimum, math.Min}}
		shape, ok := naiveBroadcast(na.shape, nb.shape)
		got, err := fs[op].f(a, b)
		if !ok {
			if err == nil {
				t.Fatal("no error for", na.shape, nb.shape)
			}
			return
		}
		if dt == U8 {
			return // wraps
		}
		w := naive{shape: shape}
		each(shape, func(idx []int) { w.v = append(w.v, fs[op].g(na.at(idx), nb.at(idx))) })
		check(got, err, w, tol)
	case op == 5: // permute
		perm := make([]int, len(na.shape))
		for i := range perm {
			perm[i] = i
		}
		for i := range perm {
			j := s.n(len(perm))
			perm[i], perm[j] = perm[j], perm[i]
		}
		got, err := a.Permute(perm...)
		w := naive{}
		for _, p := range perm {
			w.shape = append(w.shape, na.shape[p])
		}
		each(w.shape, func(idx []int) {
			src := make([]int, len(idx))
			for i, p := range perm {
				src[p] = idx[i]
			}
			w.v = append(w.v, na.of(src))
		})
		check(got, err, w, 0)
	case op == 6 || op == 7: // slice
		if len(na.shape) == 0 {
			return
		}
		ax := s.n(len(na.shape))
		d := na.shape[ax]
		start, stop, step := s.n(8)-1, s.n(8)-1, s.n(7)-3
		got, err := a.Slice(ax, start, stop, step)
		if err != nil {
			return
		}
		// python's meaning for indices inside; the doc is judged by hand for others
		if step == 0 || start < 0 || stop < 0 || start > d || stop > d || step < 0 {
			got.Clone()
			return
		}
		w := naive{shape: append([]int(nil), na.shape...)}
		n := 0
		for i := start; i < stop; i += step {
			n++
		}
		w.shape[ax] = n
		each(w.shape, func(idx []int) {
			src := append([]int(nil), idx...)
			src[ax] = start + idx[ax]*step
			w.v = append(w.v, na.of(src))
		})
		check(got, err, w, 0)
	case op == 8: // clone / contiguous
		got, err := a.Clone()
		check(got, err, na, 0)
		got, err = a.Contiguous()
		check(got, err, na, 0)
		_ = a.String()
	case op == 9: // reshape
		n := len(na.v)
		shapes := [][]int{{n}, {1, n}, {n, 1}, {-1}}
		sh := shapes[s.n(4)]
		got, err := a.Reshape(sh...)
		if err != nil {
			return
		}
		w := naive{shape: got.shape, v: na.v}
		check(got, err, w, 0)
	case op == 10: // flip
		if len(na.shape) == 0 {
			return
		}
		ax := s.n(len(na.shape))
		got, err := a.Flip(ax)
		w := naive{shape: na.shape}
		each(w.shape, func(idx []int) {
			src := append([]int(nil), idx...)
			src[ax] = na.shape[ax] - 1 - idx[ax]
			w.v = append(w.v, na.of(src))
		})
		check(got, err, w, 0)
	case op >= 11 && op <= 15: // reduce
		if len(na.shape) == 0 {
			Sum(a, false)
			return
		}
		ax := s.n(len(na.shape))
		keep := s.n(2) == 1
		if !float && op == 12 {
			return
		}
		var got *Tensor
		var err error
		switch op {
		case 11:
			got, err = Sum(a, keep, ax)
		case 12:
			got, err = Mean(a, keep, ax)
		case 13:
			got, err = Max(a, keep, ax)
		case 14:
			got, err = Min(a, keep, ax)
		case 15:
			got, err = ArgMax(a, keep, ax)
		}
		w := naive{}
		for i, d := range na.shape {
			if i == ax {
				if keep {
					w.shape = append(w.shape, 1)
				}
				continue
			}
			w.shape = append(w.shape, d)
		}
		d := na.shape[ax]
		if d == 0 && op >= 13 {
			if err == nil {
				t.Fatal("extreme of nothing")
			}
			return
		}
		each(w.shape, func(idx []int) {
			src := make([]int, 0, 5)
			j := 0
			for i := range na.shape {
				if i == ax {
					src = append(src, 0)
					if keep {
						j++
					}
					continue
				}
				src = append(src, idx[j])
				j++
			}
			sum, mx, mn, am := 0.0, math.Inf(-1), math.Inf(1), 0
			for k := range d {
				src[ax] = k
				v := na.of(src)
				sum += v
				if v > mx {
					mx, am = v, k
				}
				mn = min(mn, v)
			}
			w.v = append(w.v, [5]float64{sum, sum / float64(d), mx, mn, float64(am)}[op-11])
		})
		check(got, err, w, max(tol, 1e-12))
	case op == 16: // concat
		if len(na.shape) == 0 {
			return
		}
		ax := s.n(len(na.shape))
		got, err := Concat(ax, a, a)
		w := naive{shape: append([]int(nil), na.shape...)}
		w.shape[ax] *= 2
		each(w.shape, func(idx []int) {
			src := append([]int(nil), idx...)
			src[ax] %= max(na.shape[ax], 1)
			w.v = append(w.v, na.of(src))
		})
		check(got, err, w, 0)
	case op == 17 || op == 18: // matmul
		b, nb := make1()
		got, err := MatMul(a, b)
		if err != nil || dt == U8 {
			return
		}
		if len(na.shape) < 2 || len(nb.shape) < 2 {
			return
		}
		m, k, n := na.shape[len(na.shape)-2], na.shape[len(na.shape)-1], nb.shape[len(nb.shape)-1]
		bs, ok := naiveBroadcast(na.shape[:len(na.shape)-2], nb.shape[:len(nb.shape)-2])
		if !ok {
			t.Fatal("no error", na.shape, nb.shape)
		}
		w := naive{shape: append(append([]int(nil), bs...), m, n)}
		each(w.shape, func(idx []int) {
			sum := 0.0
			ia, ib := append([]int(nil), idx...), append([]int(nil), idx...)
			for j := range k {
				ia[len(ia)-1], ib[len(ib)-2] = j, j
				sum += na.at(ia) * nb.at(ib)
			}
			w.v = append(w.v, sum)
		})
		check(got, err, w, max(tol, 1e-12))
	case op == 19: // where, less
		b, nb := make1()
		c, err := Less(a, b)
		shape, ok := naiveBroadcast(na.shape, nb.shape)
		if !ok {
			if err == nil {
				t.Fatal("less")
			}
			return
		}
		got, err := Where(c, a, b)
		w := naive{shape: shape}
		each(shape, func(idx []int) { w.v = append(w.v, math.Min(na.at(idx), nb.at(idx))) })
		check(got, err, w, 0)
	case op == 20: // softmax
		if !float || len(na.shape) == 0 {
			return
		}
		ax := s.n(len(na.shape))
		got, err := Softmax(a, ax)
		w := naive{shape: na.shape}
		each(w.shape, func(idx []int) {
			src := append([]int(nil), idx...)
			sum, mx := 0.0, math.Inf(-1)
			for k := range na.shape[ax] {
				src[ax] = k
				mx = math.Max(mx, na.of(src))
			}
			for k := range na.shape[ax] {
				src[ax] = k
				sum += math.Exp(na.of(src) - mx)
			}
			w.v = append(w.v, math.Exp(na.of(idx)-mx)/sum)
		})
		check(got, err, w, max(tol, 1e-6))
	case op == 21: // convert there
		to := dts[s.n(len(dts))]
		got, err := a.Convert(to)
		if to == U8 {
			return
		}
		check(got, err, na, tol)
	case op == 22: // copy into a view
		dst := New(dt, 6, 7, 5, 4)
		v, err := dst.Slice(1, 6, 0, -2)
		if err != nil {
			return
		}
		if Copy(v, a) != nil {
			return
		}
		w := naive{shape: v.shape}
		each(v.shape, func(idx []int) { w.v = append(w.v, na.at(idx)) })
		check(v, nil, w, 0)
	case op == 23: // expand, index
		sh := append([]int{3}, na.shape...)
		got, err := a.Expand(sh...)
		w := naive{shape: sh}
		for range 3 {
			w.v = append(w.v, na.v...)
		}
		check(got, err, w, 0)
	}
}

func (r naive) of(idx []int) float64 {
	at := 0
	for a, i := range idx {
		at = at*r.shape[a] + i
	}
	return r.v[at]
}

// half rounds small integers to half precision exactly.
func half(f float32) uint16 {
	t, _ := FromSlice([]float32{f}, 1)
	h, _ := t.Convert(F16)
	return binary.LittleEndian.Uint16(h.Bytes())
}
