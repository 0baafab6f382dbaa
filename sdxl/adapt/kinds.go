package adapt

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// change is what a module of a file does to a weight and a bias, at full strength.
type change struct {
	kind    string
	rank    int
	alpha   float64
	weights []nn.Delta
	biases  []nn.Delta
}

// read reads what a module of the file does to a module of the model.
func (f *File) read(m *module, t *target) (c change, err error) {
	c, err = f.readPart(m, t)
	if err != nil {
		return c, fmt.Errorf("%s: %s: %w", f.source.Name(), m.name, err)
	}
	if key, ok := m.parts["diff_b"]; ok {
		if t.bias == nil {
			return c, fmt.Errorf("%s: %s changes a bias, and %s has none", f.source.Name(), key, t.name)
		}
		c.kind = cmp.Or(c.kind, "full")
		c.biases = append(c.biases, nn.Dense{Diff: f.weight(key), Scale: 1})
	}
	if len(c.weights)+len(c.biases) == 0 {
		return c, fmt.Errorf("%s: %s has the parts %v, which are no kind of adapter that easel knows", f.source.Name(), m.name, slices.Sorted(keys(m.parts)))
	}
	w := nn.Weight{Name: t.name + ".weight", Shape: t.shape, Deltas: c.weights}
	if err := w.CheckDeltas(); err != nil {
		return c, fmt.Errorf("%s: %s does not fit the model: %w", f.source.Name(), m.name, err)
	}
	w = nn.Weight{Name: t.name + ".bias", Shape: t.bias, Deltas: c.biases}
	if err := w.CheckDeltas(); err != nil {
		return c, fmt.Errorf("%s: %s does not fit the model: %w", f.source.Name(), m.name, err)
	}
	return c, nil
}

func (f *File) readPart(m *module, t *target) (c change, err error) {
	has := func(parts ...string) bool {
		for _, p := range parts {
			if m.parts[p] == "" {
				return false
			}
		}
		return true
	}
	var d nn.Delta
	switch {
	case has("up", "down"):
		d, err = f.lora(m, t, &c)
	case has("w1_a", "w1_b", "w2_a", "w2_b"):
		d, err = f.loha(m, t, &c)
	case has("lokr_w1") || has("lokr_w2") || has("lokr_w1_a", "lokr_w1_b"):
		d, err = f.lokr(m, t, &c)
	case has("a1", "a2", "b1", "b2"):
		return c, f.glora(m, t, &c)
	case has("oft_blocks") || has("oft_diag"):
		return c, f.oft(m, t, &c)
	case has("weight", "on_input"):
		return c, f.ia3(m, t, &c)
	case has("diff"):
		c.kind = "full"
		d = nn.Dense{Diff: f.weight(m.parts["diff"]), Scale: 1}
	case has("set"):
		c.kind = "full"
		all := constant(f.Name+"/-1", -1, t.shape[0])
		c.weights = []nn.Delta{nn.Dense{Diff: f.weight(m.parts["set"]), Scale: 1}, nn.Rescale{By: all, Scale: 1}}
		return c, nil
	default:
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if key := m.parts["magnitude"]; key != "" {
		c.kind = "DoRA (" + c.kind + ")"
		if d, err = f.dora(key, t, d); err != nil {
			return c, err
		}
	}
	c.weights = []nn.Delta{d}
	return c, nil
}

// scale returns what a product of a rank is multiplied by.
func (f *File) scale(m *module, t *target, c *change, rank int) (float32, error) {
	c.rank, c.alpha = rank, float64(rank)
	alpha, stable := f.peft.alpha(t.component, t.name)
	if key := m.parts["alpha"]; key != "" {
		v, err := f.number(key)
		if err != nil {
			return 0, err
		}
		alpha, stable = &v, false
	}
	if alpha == nil {
		return 1, nil
	}
	c.alpha = *alpha
	if stable {
		return float32(*alpha / math.Sqrt(float64(rank))), nil
	}
	return float32(*alpha / float64(rank)), nil
}

func (f *File) lora(m *module, t *target, c *change) (nn.Delta, error) {
	c.kind = "LoRA"
	up, down := f.weight(m.parts["up"]), f.weight(m.parts["down"])
	if len(up.Shape) < 2 || len(down.Shape) < 2 {
		return nil, fmt.Errorf("%v and %v are no matrices", up.Shape, down.Shape)
	}
	rank := down.Shape[0]
	if len(t.shape) > 2 {
		c.kind = "LoCon"
	}
	if mid := m.parts["mid"]; mid != "" {
		c.kind = "LoCon (CP)"
		var err error
		if down, err = f.tucker(mid, m.parts["down"], t); err != nil {
			return nil, err
		}
	}
	scale, err := f.scale(m, t, c, rank)
	return nn.LowRank{Up: up, Down: down, Scale: scale}, err
}

// tucker returns mid [p,q,...] contracted with down [q,in,...] over q, as a matrix
// [p,in,...] of as many taps as mid has. A product that no weight like the target's can
// take is an error, since a few bytes could make any number of it.
func (f *File) tucker(midKey, downKey string, t *target) (*nn.Weight, error) {
	mid, err := f.floats(midKey)
	if err != nil {
		return nil, err
	}
	down, err := f.floats(downKey)
	if err != nil {
		return nil, err
	}
	ms, ds := mid.Shape(), down.Shape()
	if len(ms) < 2 || len(ds) < 2 || ms[1] != ds[0] || ds[2:].NumElements() != 1 {
		return nil, fmt.Errorf("%s%v and %s%v do not multiply", midKey, ms, downKey, ds)
	}
	p, q, in, taps := ms[0], ms[1], ds[1], ms[2:].NumElements()
	if width := t.width(); p > max(t.shape[0], width) || in*taps > width {
		return nil, fmt.Errorf("%s%v and %s%v make more than a weight of %v takes", midKey, ms, downKey, ds, t.shape)
	}
	out, err := tensor.Zeros(tensor.F32, p, in, taps)
	if err != nil {
		return nil, err
	}
	a, b, o := mid.Float32s(), down.Float32s(), out.Float32s()
	for i := range p {
		for j := range q {
			for c := range in {
				for y := range taps {
					o[(i*in+c)*taps+y] += a[(i*q+j)*taps+y] * b[j*in+c]
				}
			}
		}
	}
	return made(f.Name+"/"+midKey, out), nil
}

// made returns a tensor that was computed as a weight.
func made(name string, t *tensor.Tensor) *nn.Weight {
	w := nn.Param(name, t)
	w.Copied = true
	return w
}

func constant(name string, v float32, n int) *nn.Weight {
	t := tensor.New(tensor.F32, n)
	for i := range t.Float32s() {
		t.Float32s()[i] = v
	}
	return made(name, t)
}

func (f *File) loha(m *module, t *target, c *change) (nn.Delta, error) {
	c.kind = "LoHa"
	var up, down [2]*nn.Weight
	for i, w := range [2]string{"w1", "w2"} {
		a, b := m.parts[w+"_a"], m.parts[w+"_b"]
		up[i], down[i] = f.weight(a), f.weight(b)
		if core := m.parts[[2]string{"t1", "t2"}[i]]; core != "" {
			c.kind = "LoHa (CP)"
			var err error
			if down[i], err = f.tucker(core, b, t); err != nil {
				return nil, err
			}
			if up[i], err = f.transposed(a); err != nil {
				return nil, err
			}
		}
	}
	b := f.shape(m.parts["w1_b"])
	if len(b) < 2 || len(up[0].Shape) < 2 || len(up[1].Shape) < 2 || len(down[1].Shape) < 2 {
		return nil, fmt.Errorf("%s%v is no matrix", m.parts["w1_b"], b)
	}
	scale, err := f.scale(m, t, c, b[0])
	return nn.Hadamard{Up: up[0], Down: down[0], Up2: up[1], Down2: down[1], Scale: scale}, err
}

// transposed returns a matrix with rows and columns exchanged.
func (f *File) transposed(key string) (*nn.Weight, error) {
	t, err := f.floats(key)
	if err == nil && len(t.Shape()) != 2 {
		err = fmt.Errorf("%s%v is no matrix", key, t.Shape())
	}
	if err == nil {
		t, err = t.Permute(1, 0)
	}
	if err == nil {
		t, err = t.Contiguous()
	}
	if err != nil {
		return nil, err
	}
	return made(f.Name+"/"+key, t), nil
}

// multiplied returns the product of two matrices of the file, the second of any
// number of axes, which must not be larger than the target's weight.
func (f *File) multiplied(a, b string, t *target) (*nn.Weight, error) {
	x, err := f.floats(a)
	if err != nil {
		return nil, err
	}
	y, err := f.floats(b)
	if err != nil {
		return nil, err
	}
	xs, ys := x.Shape(), y.Shape()
	if len(xs) != 2 || len(ys) < 2 || xs[1] != ys[0] {
		return nil, fmt.Errorf("%s%v and %s%v do not multiply", a, xs, b, ys)
	}
	n, r, k := xs[0], xs[1], ys[1:].NumElements()
	if n > t.shape[0] || k > t.width() {
		return nil, fmt.Errorf("%s%v and %s%v make more than a weight of %v takes", a, xs, b, ys, t.shape)
	}
	out, err := tensor.Zeros(tensor.F32, append([]int{n}, ys[1:]...)...)
	if err != nil {
		return nil, err
	}
	for i := range n {
		row := out.Float32s()[i*k:][:k]
		for j := range r {
			v := x.Float32s()[i*r+j]
			for c, w := range y.Float32s()[j*k:][:k] {
				row[c] += v * w
			}
		}
	}
	return made(f.Name+"/"+a, out), nil
}

func (f *File) lokr(m *module, t *target, c *change) (nn.Delta, error) {
	c.kind = "LoKr"
	rank := 0
	factor := func(name string) (*nn.Weight, error) {
		if key := m.parts["lokr_"+name]; key != "" {
			return f.weight(key), nil
		}
		a, b := m.parts["lokr_"+name+"_a"], m.parts["lokr_"+name+"_b"]
		if a == "" || b == "" {
			return nil, fmt.Errorf("lokr_%s is missing", name)
		}
		if s := f.shape(b); len(s) > 0 {
			rank = s[0]
		}
		core := m.parts["lokr_t2"]
		if name != "w2" || core == "" {
			return f.multiplied(a, b, t)
		}
		down, err := f.tucker(core, b, t)
		if err != nil {
			return nil, err
		}
		up, err := f.floats(a)
		if err != nil {
			return nil, err
		}
		return f.tuckerUp(a, up, down, t)
	}
	a, err := factor("w1")
	if err != nil {
		return nil, err
	}
	b, err := factor("w2")
	if err != nil {
		return nil, err
	}
	if len(a.Shape) < 2 || len(b.Shape) < 2 {
		return nil, fmt.Errorf("factors of shapes %v and %v are no matrices", a.Shape, b.Shape)
	}
	scale := float32(1) // where both factors are whole, whatever alpha says
	if rank > 0 {
		if scale, err = f.scale(m, t, c, rank); err != nil {
			return nil, err
		}
	}
	return nn.Kronecker{A: a, B: b, Scale: scale}, nil
}

// tuckerUp returns up [r,out] transposed times down [r,in,taps].
func (f *File) tuckerUp(key string, up *tensor.Tensor, down *nn.Weight, to *target) (*nn.Weight, error) {
	t, err := down.Load()
	if err != nil {
		return nil, err
	}
	us := up.Shape()
	if len(us) != 2 || us[0] != down.Shape[0] || us[1] > to.shape[0] {
		return nil, fmt.Errorf("%s%v and a core of %v do not multiply", key, us, down.Shape)
	}
	r, n, k := us[0], us[1], down.Shape[1:].NumElements()
	out, err := tensor.Zeros(tensor.F32, append([]int{n}, down.Shape[1:]...)...)
	if err != nil {
		return nil, err
	}
	for i := range n {
		row := out.Float32s()[i*k:][:k]
		for j := range r {
			v := up.Float32s()[j*n+i]
			for c, w := range t.Float32s()[j*k:][:k] {
				row[c] += v * w
			}
		}
	}
	return made(f.Name+"/"+key, out), nil
}

// dora gives a change the lengths that rows of the weight are to have, or in
// older files of LyCORIS slices of its second axis, which the shape tells.
func (f *File) dora(key string, t *target, of nn.Delta) (nn.Delta, error) {
	if len(t.shape) < 2 {
		return nil, fmt.Errorf("%s has lengths for the rows of a vector", key)
	}
	length, n, c := f.weight(key), t.shape[0], t.shape[1]
	s := length.Shape
	count := s.NumElements()
	columns := strings.HasSuffix(key, ".dora_scale") && len(s) >= 2 && s[0] == 1 && count == c
	if !columns && count != n {
		return nil, fmt.Errorf("%s%v has lengths for neither %d rows nor %d columns", key, s, n, c)
	}
	return nn.Directed{Of: of, Length: length, Columns: columns, Scale: 1}, nil
}

func (f *File) glora(m *module, t *target, c *change) error {
	c.kind = "GLoRA"
	if len(t.shape) < 2 {
		return fmt.Errorf("a vector %v has no product for %s", t.shape, m.parts["a1"])
	}
	if m.parts["bm"] != "" {
		return fmt.Errorf("%s: GLoRA of Tucker's form is not read", m.parts["bm"])
	}
	var w [4]*nn.Weight
	var s [4][2]int
	for i, part := range [4]string{"a1", "a2", "b1", "b2"} {
		w[i] = f.weight(m.parts[part])
		if len(w[i].Shape) < 2 {
			return fmt.Errorf("%s%v is no matrix", m.parts[part], w[i].Shape)
		}
		s[i] = [2]int{w[i].Shape[0], w[i].Shape[1:].NumElements()}
	}
	a1, a2, b1, b2 := w[0], w[1], w[2], w[3]
	out, in := t.shape[0], t.shape[1]
	first := s[3][1] == s[2][0] && s[2][0] == s[0][0] && s[0][0] == s[1][1]  // W a2 a1 + b2 b1
	second := s[3][0] == s[2][1] && s[2][1] == s[0][1] && s[0][1] == s[1][0] // W a1 a2 + b1 b2
	if first && second {
		first = s[1][0] == out && out == in && s[1][0] == in
	}
	rank := s[1][0]
	switch {
	case first:
		rank = s[0][0]
	case second:
		a1, a2, b1, b2 = a2, a1, b2, b1
	default:
		return fmt.Errorf("a1%v, a2%v, b1%v and b2%v do not multiply", a1.Shape, a2.Shape, b1.Shape, b2.Shape)
	}
	scale, err := f.scale(m, t, c, rank)
	c.weights = []nn.Delta{nn.Projected{Right: a2, Down: a1, Scale: scale}, nn.LowRank{Up: b2, Down: b1, Scale: scale}}
	return err
}

func (f *File) ia3(m *module, t *target, c *change) error {
	c.kind = "IA3"
	on, err := f.number(m.parts["on_input"])
	if err != nil {
		return err
	}
	c.weights = []nn.Delta{nn.Rescale{By: f.weight(m.parts["weight"]), Columns: on != 0, Scale: 1}}
	return nil
}

func keys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}
