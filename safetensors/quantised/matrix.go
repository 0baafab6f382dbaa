package quantised

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// stretch is about how many numbers are quantised at a time.
const stretch = 1 << 16

// matrix is a tensor on its way to its quantised form: n rows of k numbers.
type matrix struct {
	form
	file   *safetensors.File
	name   string
	n, k   int
	pool   *parallel.Pool
	scales []float32 // once writeScales has run
}

// each calls f for stretches of rows, some at once, with their values.
func (m *matrix) each(ctx context.Context, f func(row int, values []float32) error) error {
	t, err := m.file.Tensor(m.name)
	if err != nil {
		return err
	}
	if t, err = t.Reshape(m.n, m.k); err != nil {
		return err
	}
	rows := max(1, stretch/m.k)
	faults := make([]error, (m.n+rows-1)/rows)
	err = m.pool.Run(ctx, len(faults), func(_, unit int) {
		faults[unit] = func() error {
			part, err := t.Narrow(0, unit*rows, min((unit+1)*rows, m.n))
			if err != nil {
				return err
			}
			wide, err := part.Convert(tensor.F32)
			if err != nil {
				return err
			}
			return f(unit*rows, wide.Float32s())
		}()
	})
	for _, fault := range faults {
		if err == nil {
			err = fault
		}
	}
	if err != nil {
		return fmt.Errorf("%s: tensor %s: %w", m.file.Name(), m.name, err)
	}
	return nil
}

func (m *matrix) writeScales(ctx context.Context, w io.Writer) error {
	size := m.scaleShape(m.n, m.k)
	m.scales = make([]float32, size.NumElements())
	each := m.n * m.k / len(m.scales) // numbers of a scale
	err := m.each(ctx, func(row int, values []float32) error {
		for i := 0; i < len(values); i += each {
			part := values[i : i+each]
			for _, v := range part {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					return fmt.Errorf("%g cannot be quantised", v)
				}
			}
			m.scales[(row*m.k+i)/each] = m.scale(part)
		}
		return nil
	})
	if err != nil {
		return err
	}
	t, err := tensor.FromSlice(m.scales, size...)
	if err != nil {
		return err
	}
	if t, err = t.Convert(m.scaleType); err != nil {
		return err
	}
	_, err = w.Write(t.Bytes())
	return err
}

func (m *matrix) writeNumbers(ctx context.Context, w io.Writer) error {
	n, err := m.dtype.ByteLen(m.n * m.k)
	if err != nil {
		return err
	}
	numbers := make([]byte, n)
	each := m.n * m.k / len(m.scales)
	err = m.each(ctx, func(row int, values []float32) error {
		for i := 0; i < len(values); i += each {
			at := row*m.k + i
			m.quantise(numbers[at*n/(m.n*m.k):], values[i:i+each], m.scales[at/each])
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.scales = nil
	_, err = w.Write(numbers)
	return err
}
