package nn

import (
	"fmt"
	"slices"
)

// Delta is a change of a weight, as adapters such as LoRA have it. It is one of
// the types below. A weight W is meant as a matrix [N,K], a row for each
// output, K being the product of all other axes; a bias or a norm's scale is a
// matrix of one row. Each delta of a weight is computed from the stored weight,
// and their sum is added to it, so that none depends on the others.
type Delta interface {
	check(n, k int) error
	// scaled returns the delta times a factor.
	scaled(by float32) Delta
	// operands are the weights that it reads.
	operands() []*Weight
}

// LowRank is Scale Up Down with Up [N,r] and Down [r,K] (LoRA, Hu et al. 2021).
type LowRank struct {
	Up, Down *Weight
	Scale    float32
}

// Hadamard is Scale (Up Down) o (Up2 Down2), value by value (LoHa, Hyeon-Woo et al. 2021).
type Hadamard struct {
	Up, Down, Up2, Down2 *Weight
	Scale                float32
}

// Kronecker is Scale times the Kronecker product of the matrices A and B (LoKr).
type Kronecker struct {
	A, B  *Weight
	Scale float32
}

// Dense is Scale times Diff, which has as many elements as the weight.
type Dense struct {
	Diff  *Weight
	Scale float32
}

// Rescale is Scale By o W: By has a number for each row of the weight, or if Columns is
// set for each of its second axis (IA3, Liu et al. 2022).
type Rescale struct {
	By      *Weight
	Columns bool
	Scale   float32
}

// Mix is Scale Blocks W, with Blocks [N/b,b,b] the diagonal blocks of a matrix
// (OFT, Qiu et al. 2023, where they are rotations minus the identity).
type Mix struct {
	Blocks *Weight
	Scale  float32
}

// Projected is Scale W Right Down, with Right [C,r], Down [r,C] and C the size of
// the weight's second axis (GLoRA, Chavan et al. 2023).
type Projected struct {
	Right, Down *Weight
	Scale       float32
}

// Directed changes the direction of a weight's rows by the delta Of, and gives
// them other lengths (DoRA, Liu et al. 2024): with V = W + Of it is
//
//	Scale (Length V/|V| - W)
//
// where |V| is the length of each row, or if Columns is set that of each slice
// of the second axis.
type Directed struct {
	Of      Delta
	Length  *Weight
	Columns bool
	Scale   float32
}

func (d LowRank) scaled(by float32) Delta   { d.Scale *= by; return d }
func (d Hadamard) scaled(by float32) Delta  { d.Scale *= by; return d }
func (d Kronecker) scaled(by float32) Delta { d.Scale *= by; return d }
func (d Dense) scaled(by float32) Delta     { d.Scale *= by; return d }
func (d Rescale) scaled(by float32) Delta   { d.Scale *= by; return d }
func (d Mix) scaled(by float32) Delta       { d.Scale *= by; return d }
func (d Projected) scaled(by float32) Delta { d.Scale *= by; return d }
func (d Directed) scaled(by float32) Delta  { d.Scale *= by; return d }

func (d LowRank) operands() []*Weight   { return []*Weight{d.Up, d.Down} }
func (d Hadamard) operands() []*Weight  { return []*Weight{d.Up, d.Down, d.Up2, d.Down2} }
func (d Kronecker) operands() []*Weight { return []*Weight{d.A, d.B} }
func (d Dense) operands() []*Weight     { return []*Weight{d.Diff} }
func (d Rescale) operands() []*Weight   { return []*Weight{d.By} }
func (d Mix) operands() []*Weight       { return []*Weight{d.Blocks} }
func (d Projected) operands() []*Weight { return []*Weight{d.Right, d.Down} }
func (d Directed) operands() []*Weight  { return append(d.Of.operands(), d.Length) }

func (d LowRank) check(n, k int) error { return checkProduct(d.Up, d.Down, n, k) }

func (d Hadamard) check(n, k int) error {
	if err := checkProduct(d.Up, d.Down, n, k); err != nil {
		return err
	}
	return checkProduct(d.Up2, d.Down2, n, k)
}

func (d Kronecker) check(n, k int) error {
	a, b := matrixShape(d.A), matrixShape(d.B)
	if a[0]*b[0] != n || a[1]*b[1] != k {
		return fmt.Errorf("the Kronecker product of %s%v and %s%v is no %d x %d", d.A.Name, d.A.Shape, d.B.Name, d.B.Shape, n, k)
	}
	return nil
}

func (d Dense) check(n, k int) error { return checkSize(d.Diff, n*k) }

func (d Rescale) check(n, k int) error {
	if !d.Columns {
		return checkSize(d.By, n)
	}
	if c := d.By.Shape.NumElements(); c == 0 || k%c != 0 {
		return fmt.Errorf("%s%v has no number for each of %d columns", d.By.Name, d.By.Shape, k)
	}
	return nil
}

func (d Mix) check(n, _ int) error {
	s := d.Blocks.Shape
	if len(s) != 3 || s[1] != s[2] || s[0]*s[1] != n || n == 0 {
		return fmt.Errorf("%s%v are no square blocks for %d rows", d.Blocks.Name, s, n)
	}
	return nil
}

func (d Projected) check(_, k int) error {
	right := matrixShape(d.Right)
	if right[0] == 0 || k%right[0] != 0 {
		return fmt.Errorf("%s%v is for no weight with rows of %d", d.Right.Name, d.Right.Shape, k)
	}
	return checkProduct(d.Right, d.Down, right[0], right[0])
}

func (d Directed) check(n, k int) error {
	if err := d.Of.check(n, k); err != nil {
		return err
	}
	if err := (Rescale{By: d.Length, Columns: d.Columns}).check(n, k); err != nil {
		return err
	}
	switch of := d.Of.(type) {
	case LowRank, Hadamard, Kronecker, Dense:
		return nil
	default:
		return fmt.Errorf("lengths of %s go with no %T", d.Length.Name, of)
	}
}

func checkProduct(up, down *Weight, n, k int) error {
	u, d := matrixShape(up), matrixShape(down)
	if u[0] != n || d[1] != k || u[1] != d[0] || u[1] == 0 {
		return fmt.Errorf("%s%v and %s%v multiply to no %d x %d", up.Name, up.Shape, down.Name, down.Shape, n, k)
	}
	return nil
}

func checkSize(w *Weight, n int) error {
	if w.Shape.NumElements() != n {
		return fmt.Errorf("%s%v has %d numbers, want %d", w.Name, w.Shape, w.Shape.NumElements(), n)
	}
	return nil
}

// matrixShape returns the rows and columns of a weight seen as a matrix.
func matrixShape(w *Weight) [2]int {
	if len(w.Shape) == 0 {
		return [2]int{1, 1}
	}
	return [2]int{w.Shape[0], w.Shape[1:].NumElements()}
}

// Matrix returns the rows and columns of a weight seen as a matrix. A vector is
// one row.
func (w *Weight) Matrix() (n, k int) {
	if len(w.Shape) < 2 {
		return 1, w.Shape.NumElements()
	}
	m := matrixShape(w)
	return m[0], m[1]
}

// Scaled returns a delta times a factor.
func Scaled(d Delta, by float32) Delta { return d.scaled(by) }

// Operands returns the weights that a delta reads.
func Operands(d Delta) []*Weight { return d.operands() }

// With returns another weight of the same stored bytes, with deltas in addition
// to those that w has.
func (w *Weight) With(deltas ...Delta) *Weight {
	c := *w
	c.Source = nil
	c.Deltas = append(slices.Clip(w.Deltas), deltas...)
	return &c
}

// CheckDeltas returns an error unless the deltas fit the weight.
func (w *Weight) CheckDeltas() error {
	n, k := w.Matrix()
	for _, d := range w.Deltas {
		for _, o := range d.operands() {
			if o == nil {
				return fmt.Errorf("weight %s: a delta lacks an operand", w.Name)
			}
			if Quantised(o.DType) || o.Scale != nil || len(o.Deltas) > 0 {
				return fmt.Errorf("weight %s: %s is %s; a delta is made of floating-point numbers", w.Name, o.Name, o.DType)
			}
		}
		if err := d.check(n, k); err != nil {
			return fmt.Errorf("weight %s%v: %w", w.Name, w.Shape, err)
		}
		if _, ok := d.(Dense); !ok && len(w.Shape) < 2 {
			return fmt.Errorf("weight %s%v: a vector takes a difference only, not %T", w.Name, w.Shape, d)
		}
	}
	return nil
}
