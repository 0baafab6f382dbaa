package gorgonia_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	gt "gorgonia.org/tensor"

	"github.com/df65613c/easel/tensor"
	bridge "github.com/df65613c/easel/tensor/gorgonia"
)

// The same operations by gorgonia.org/tensor, an independent implementation.
func TestAgainstGorgonia(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	random := func(shape ...int) *tensor.Tensor {
		v := tensor.New(tensor.F64, shape...)
		d, err := tensor.Data[float64](v)
		require.NoError(t, err)
		for i := range d {
			d[i] = rng.NormFloat64()
		}
		return v
	}
	dense := func(v *tensor.Tensor) *gt.Dense {
		d, err := bridge.ToDense(v)
		require.NoError(t, err)
		return d
	}
	for range 20 {
		m, n, k := 1+rng.IntN(40), 1+rng.IntN(40), 1+rng.IntN(40)
		a, b, c := random(m, k), random(k, n), random(m, k)
		compare := func(want gt.Tensor, err error) func(*tensor.Tensor, error) {
			require.NoError(t, err)
			return func(got *tensor.Tensor, err error) {
				require.NoError(t, err)
				w, err := bridge.FromDense(want.(*gt.Dense))
				require.NoError(t, err)
				w, err = w.Reshape(got.Shape()...)
				require.NoError(t, err)
				require.NoError(t, tensor.AllClose(got, w, 1e-12, 1e-12))
			}
		}
		compare(gt.Add(dense(a), dense(c)))(tensor.Add(a, c))
		compare(gt.Sub(dense(a), dense(c)))(tensor.Sub(a, c))
		compare(gt.Mul(dense(a), dense(c)))(tensor.Mul(a, c))
		compare(gt.Div(dense(a), dense(c)))(tensor.Div(a, c))
		compare(gt.Exp(dense(a)))(tensor.Exp(a))
		compare(gt.Tanh(dense(a)))(tensor.Tanh(a))
		compare(gt.MatMul(dense(a), dense(b)))(tensor.MatMul(a, b))
		compare(gt.Sum(dense(a), 0))(tensor.Sum(a, false, 0))
		compare(gt.Concat(0, dense(a), dense(c)))(tensor.Concat(0, a, c))
	}
}
