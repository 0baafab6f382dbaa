package tensor

import (
	"fmt"
	"math"
)

// Neg returns -t. Unsigned integers are an error.
func Neg(t *Tensor) (*Tensor, error) { return neg.apply(t) }

// Abs returns the absolute values.
func Abs(t *Tensor) (*Tensor, error) { return abs.apply(t) }

// Exp returns e to the power of t. This and the functions below are defined
// for floating-point dtypes.
func Exp(t *Tensor) (*Tensor, error) { return exp.apply(t) }

// Log returns the natural logarithms.
func Log(t *Tensor) (*Tensor, error) { return log.apply(t) }

// Sqrt returns the square roots.
func Sqrt(t *Tensor) (*Tensor, error) { return sqrt.apply(t) }

// Sin returns the sines.
func Sin(t *Tensor) (*Tensor, error) { return sin.apply(t) }

// Cos returns the cosines.
func Cos(t *Tensor) (*Tensor, error) { return cos.apply(t) }

// Tanh returns the hyperbolic tangents.
func Tanh(t *Tensor) (*Tensor, error) { return tanh.apply(t) }

// Round returns the nearest whole numbers, and the even one for halves.
func Round(t *Tensor) (*Tensor, error) { return round.apply(t) }

// Sigmoid returns 1 / (1 + exp(-t)).
func Sigmoid(t *Tensor) (*Tensor, error) { return sigmoid.apply(t) }

// SiLU returns t sigmoid(t).
func SiLU(t *Tensor) (*Tensor, error) { return silu.apply(t) }

// GELU returns t Phi(t), Phi the normal distribution function.
func GELU(t *Tensor) (*Tensor, error) { return gelu.apply(t) }

// QuickGELU returns t sigmoid(1.702 t).
func QuickGELU(t *Tensor) (*Tensor, error) { return quickGELU.apply(t) }

// Clamp returns the elements limited to the range lo to hi. A NaN stays.
func Clamp(t *Tensor, lo, hi float64) (*Tensor, error) {
	if !(lo <= hi) {
		return nil, fmt.Errorf("tensor: Clamp from %v to %v: the first must not be above the second", lo, hi)
	}
	return floats("Clamp", func(x float64) float64 { return min(max(x, lo), hi) }).apply(t)
}

// unaryOp is an operation on an element, for each class that it is defined for.
type unaryOp struct {
	name string
	f32  func(dst, x []float32)
	f64  func(dst, x []float64)
	i64  func(dst, x []int64)
	u64  func(dst, x []uint64)
}

var (
	neg = &unaryOp{"Neg", negAll[float32], negAll[float64], negAll[int64], nil}
	abs = &unaryOp{"Abs", eachFloat[float32](math.Abs), eachFloat[float64](math.Abs), absAll,
		func(dst, x []uint64) { copy(dst, x) }}
	exp       = floats("Exp", math.Exp)
	log       = floats("Log", math.Log)
	sqrt      = floats("Sqrt", math.Sqrt)
	sin       = floats("Sin", math.Sin)
	cos       = floats("Cos", math.Cos)
	tanh      = floats("Tanh", math.Tanh)
	round     = floats("Round", math.RoundToEven)
	sigmoid   = floats("Sigmoid", func(x float64) float64 { return 1 / (1 + math.Exp(-x)) })
	silu      = floats("SiLU", func(x float64) float64 { return x / (1 + math.Exp(-x)) })
	gelu      = floats("GELU", func(x float64) float64 { return x / 2 * math.Erfc(-x/math.Sqrt2) })
	quickGELU = floats("QuickGELU", func(x float64) float64 { return x / (1 + math.Exp(-1.702*x)) })
)

// floats is an operation for the floating-point dtypes, in float64 and rounded once.
func floats(name string, f func(float64) float64) *unaryOp {
	return &unaryOp{name: name, f32: eachFloat[float32](f), f64: eachFloat[float64](f)}
}

func (op *unaryOp) apply(t *Tensor) (*Tensor, error) {
	out, err := Zeros(t.dtype, t.shape...)
	if err != nil {
		return nil, err
	}
	switch c := t.dtype.class(); {
	case t.dtype == Bool:
		return nil, undefined(op.name, t)
	case c == singles:
		err = mapTo(out, t, op.f32)
	case c == doubles:
		err = mapTo(out, t, op.f64)
	case c == signed && op.i64 != nil:
		err = mapTo(out, t, op.i64)
	case c == unsigned && op.u64 != nil:
		err = mapTo(out, t, op.u64)
	default:
		return nil, undefined(op.name, t)
	}
	if err != nil {
		return nil, fmt.Errorf("tensor: %s: %w", op.name, err)
	}
	return out, nil
}

func undefined(op string, t *Tensor) error {
	return fmt.Errorf("tensor: %s is not defined for %s", op, t.dtype)
}

func mapTo[T number](out, t *Tensor, f func(dst, x []T)) error {
	o, x := operandOf[T](out), operandOf[T](t)
	return forChunks(out.NumElements(), func(lo, hi int) {
		w := o.window()
		dst := w.room(lo, hi)
		f(dst, x.window().load(lo, hi))
		w.store(dst, lo)
	})
}

func eachFloat[T float32 | float64](f func(float64) float64) func(dst, x []T) {
	return func(dst, x []T) {
		for i, v := range x {
			dst[i] = T(f(float64(v)))
		}
	}
}

func negAll[T float32 | float64 | int64](dst, x []T) {
	for i, v := range x {
		dst[i] = -v
	}
}

func absAll(dst, x []int64) {
	for i, v := range x {
		dst[i] = max(v, -v)
	}
}
