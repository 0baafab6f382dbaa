package tensor_test

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

type (
	op  = func(in ...*tensor.Tensor) (*tensor.Tensor, error)
	one = func(*tensor.Tensor) (*tensor.Tensor, error)
	two = func(a, b *tensor.Tensor) (*tensor.Tensor, error)
)

func unary(f one) op { return func(in ...*tensor.Tensor) (*tensor.Tensor, error) { return f(in[0]) } }
func binary(f two) op {
	return func(in ...*tensor.Tensor) (*tensor.Tensor, error) { return f(in[0], in[1]) }
}

// perOp are the operations whose cases differ in dtype or shape only: the
// first word of a case names the operation.
var perOp = map[string]op{
	"Add": binary(tensor.Add), "Sub": binary(tensor.Sub), "Mul": binary(tensor.Mul), "Div": binary(tensor.Div),
	"Maximum": binary(tensor.Maximum), "Minimum": binary(tensor.Minimum), "Pow": binary(tensor.Pow),
	"Less": binary(tensor.Less), "Greater": binary(tensor.Greater), "Eq": binary(tensor.Eq), "MatMul": binary(tensor.MatMul),
	"Neg": unary(tensor.Neg), "Abs": unary(tensor.Abs), "Exp": unary(tensor.Exp), "Log": unary(tensor.Log),
	"Sqrt": unary(tensor.Sqrt), "Sin": unary(tensor.Sin), "Cos": unary(tensor.Cos), "Tanh": unary(tensor.Tanh),
	"Round": unary(tensor.Round), "Sigmoid": unary(tensor.Sigmoid), "SiLU": unary(tensor.SiLU), "GELU": unary(tensor.GELU),
	"QuickGELU": unary(tensor.QuickGELU),
	"Clamp":     unary(func(t *tensor.Tensor) (*tensor.Tensor, error) { return tensor.Clamp(t, -1, 2) }),
	"Where":     func(in ...*tensor.Tensor) (*tensor.Tensor, error) { return tensor.Where(in[0], in[1], in[2]) },
	"Concat":    func(in ...*tensor.Tensor) (*tensor.Tensor, error) { return tensor.Concat(1, in[0], in[1], in[0]) },
	"Stack":     func(in ...*tensor.Tensor) (*tensor.Tensor, error) { return tensor.Stack(-1, in...) },
	"Arange":    func(...*tensor.Tensor) (*tensor.Tensor, error) { return tensor.Arange(tensor.F32, -2, 3, 0.25) },
	"Linspace":  func(...*tensor.Tensor) (*tensor.Tensor, error) { return tensor.Linspace(tensor.F64, -1, 2, 23) },
	"Permute":   unary(func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Permute(2, 0, -2) }),
	"Index":     unary(func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Index(1, -2) }),
	"Slice": unary(func(t *tensor.Tensor) (*tensor.Tensor, error) {
		return chain(t, func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Slice(1, 1, 5, 2) },
			func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Slice(-1, -4, -1, 1) })
	}),
	"Flip": unary(func(t *tensor.Tensor) (*tensor.Tensor, error) {
		return chain(t, func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Flip(1) },
			func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Flip(-1) })
	}),
	"Expand": unary(func(t *tensor.Tensor) (*tensor.Tensor, error) {
		return chain(t, func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Narrow(1, 0, 1) },
			func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Expand(3, 4, 7, 6) })
	}),
}

func chain(t *tensor.Tensor, steps ...one) (*tensor.Tensor, error) {
	for _, step := range steps {
		var err error
		if t, err = step(t); err != nil {
			return nil, err
		}
	}
	return t, nil
}

type reduction = func(t *tensor.Tensor, keepDims bool, axes ...int) (*tensor.Tensor, error)

func over(f reduction, keepDims bool, axes ...int) op {
	return unary(func(t *tensor.Tensor) (*tensor.Tensor, error) { return f(t, keepDims, axes...) })
}

func variance(correction float64) reduction {
	return func(t *tensor.Tensor, keepDims bool, axes ...int) (*tensor.Tensor, error) {
		return tensor.Var(t, correction, keepDims, axes...)
	}
}

func softmax(axis int) op {
	return unary(func(t *tensor.Tensor) (*tensor.Tensor, error) { return tensor.Softmax(t, axis) })
}

func argMax(axis int) op {
	return unary(func(t *tensor.Tensor) (*tensor.Tensor, error) { return tensor.ArgMax(t, false, axis) })
}

// perCase are the operations whose cases have arguments.
var perCase = map[string]op{
	"Sum all": over(tensor.Sum, false), "Sum 1": over(tensor.Sum, false, 1), "Sum 0,-1 keep": over(tensor.Sum, true, 0, -1),
	"Mean 0": over(tensor.Mean, false, 0), "Var 1,2": over(variance(0), false, 1, 2), "Var unbiased": over(variance(1), true, -1),
	"Max 0,1": over(tensor.Max, false, 0, 1), "Min 2 keep": over(tensor.Min, true, 2), "ArgMax 1": argMax(1),
	"Softmax 1": softmax(1), "Softmax -1": softmax(-1),
	"Sum long": over(tensor.Sum, false), "Mean long": over(tensor.Mean, false), "Var long": over(variance(0), false),
	"Max long": over(tensor.Max, false), "Min long": over(tensor.Min, false), "ArgMax long": argMax(0),
	"Sum int8": over(tensor.Sum, false, 0), "Max int8": over(tensor.Max, false, 1),
	"ArgMax int8": argMax(0), "Max nan": over(tensor.Max, false, 1), "Min nan": over(tensor.Min, false, 1), "ArgMax nan": argMax(1),
}

// operation finds what a case does.
func operation(t *testing.T, name string, want tensor.DType) op {
	words := strings.Fields(name)
	if words[0] == "Convert" {
		return unary(func(t *tensor.Tensor) (*tensor.Tensor, error) { return t.Convert(want) })
	}
	if f, ok := perCase[name]; ok {
		return f
	}
	if f, ok := perCase[strings.Join(words[:len(words)-1], " ")]; ok {
		return f
	}
	f, ok := perOp[words[0]]
	require.True(t, ok, "no operation for case %q", name)
	return f
}

// tolerances of the cases that are not equal to the reference, by the first
// word; relative, and absolute where a result is a difference. A float32
// result is within one unit in the last place of the float64 one.
var tolerances = map[string]struct{ f64, f32, narrow, abs float64 }{
	"Pow": {f64: 1e-15, f32: 1.2e-7}, "Exp": {f64: 1e-15}, "Log": {f64: 1e-15}, "Sin": {f64: 1e-15}, "Cos": {f64: 1e-15},
	"Tanh": {f64: 1e-15}, "Sigmoid": {f64: 1e-15}, "SiLU": {f64: 1e-15}, "GELU": {f64: 3e-14, f32: 1.2e-7}, "QuickGELU": {f64: 1e-15},
	"Sum": {f64: 1e-14, f32: 1.2e-7}, "Mean": {f64: 1e-14, f32: 1.2e-7}, "Var": {f64: 1e-14, f32: 1.2e-7},
	"Softmax": {f64: 1e-15, f32: 1.2e-7}, "Linspace": {f64: 1e-15}, "MatMul": {f64: 1e-15, f32: 1e-6, abs: 1e-5},
}

func TestOperationsEqualTheReference(t *testing.T) {
	f, err := safetensors.Open("testdata/ops.safetensors")
	require.NoError(t, err)
	defer f.Close()
	load := func(name string) *tensor.Tensor {
		v, err := f.Tensor(name)
		require.NoError(t, err)
		return v
	}
	ran := 0
	for _, name := range f.Names() {
		name, isOut := strings.CutSuffix(name, ".out")
		if !isOut {
			continue
		}
		ran++
		t.Run(name, func(t *testing.T) {
			want := load(name + ".out")
			var in []*tensor.Tensor
			for i := 0; ; i++ {
				if _, ok := f.Info(fmt.Sprintf("%s.%d", name, i)); !ok {
					break
				}
				in = append(in, load(fmt.Sprintf("%s.%d", name, i)))
			}
			run := operation(t, name, want.DType())
			got, err := run(in...)
			require.NoError(t, err)
			check := func(got *tensor.Tensor) {
				require.Equal(t, want.DType(), got.DType())
				require.True(t, want.Shape().Equal(got.Shape()), "%v %v", want.Shape(), got.Shape())
				tol := tolerances[strings.Fields(name)[0]]
				rtol, atol := tol.narrow, 0.0
				switch want.DType() {
				case tensor.F64:
					rtol = tol.f64
				case tensor.F32:
					rtol, atol = tol.f32, tol.abs
				}
				require.NoError(t, tensor.AllClose(got, want, rtol, atol))
			}
			check(got)

			// The same operands as strided views give the same.
			for i, v := range in {
				in[i] = scattered(t, v)
			}
			got, err = run(in...)
			require.NoError(t, err)
			check(got)
		})
	}
	require.Greater(t, ran, 150)
}

// scattered returns a view with the elements of v, in reverse order along the
// first axis and with gaps along the last one.
func scattered(t *testing.T, v *tensor.Tensor) *tensor.Tensor {
	if len(v.Shape()) == 0 {
		return v
	}
	shape := v.Shape().Clone()
	shape[len(shape)-1] *= 3
	room, err := tensor.Zeros(v.DType(), shape...)
	require.NoError(t, err)
	view, err := room.Slice(-1, 1, shape[len(shape)-1], 3)
	require.NoError(t, err)
	view, err = view.Flip(0)
	require.NoError(t, err)
	require.NoError(t, tensor.Copy(view, v))
	return view
}

func TestPrintsAsNumPy(t *testing.T) {
	text, err := os.ReadFile("testdata/print.json")
	require.NoError(t, err)
	var cases map[string]struct {
		DType, Hex, Text string
		Shape            []int
	}
	require.NoError(t, json.Unmarshal(text, &cases))
	require.NotEmpty(t, cases)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			dt, err := tensor.ParseDType(c.DType)
			require.NoError(t, err)
			raw, err := hex.DecodeString(c.Hex)
			require.NoError(t, err)
			v, err := tensor.FromBytes(dt, c.Shape, raw)
			require.NoError(t, err)
			require.Equal(t, c.Text, fmt.Sprint(v))
		})
	}
}
