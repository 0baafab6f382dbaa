package safetensors

import (
	"context"
	"fmt"
	"io"
	"math"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/tensor"
)

// recastElements is how many numbers are converted at a time.
const recastElements = 1 << 20

// Recast writes the tensors of f to a single file at path, under a temporary
// name until all is written. Floating-point tensors and GGUF's blocks
// ([tensor.DType.IsFloat], [tensor.DType.Blocked]) are converted to dt: F32,
// F16 or BF16, rounded to nearest. Other tensors stay as they are, and with
// tensor.Invalid all do. A finite number that is too large for dt is an error.
func Recast(ctx context.Context, path string, f *File, dt tensor.DType) error {
	return atomicfile.Write(path, func(w io.Writer) error { return f.recastAll(ctx, w, dt) })
}

func (f *File) recastAll(ctx context.Context, w io.Writer, dt tensor.DType) error {
	if dt != tensor.Invalid && dt != tensor.F32 && dt != tensor.F16 && dt != tensor.BF16 {
		return fmt.Errorf("%s: tensors cannot be written as %s; want F32, F16 or BF16", f.Name(), dt)
	}
	streams := make(map[string]Stream)
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		to := info.DType
		if dt != tensor.Invalid && (to.IsFloat() || to.Blocked()) {
			to = dt
		}
		streams[name] = Stream{DType: to, Shape: info.Shape, Write: func(w io.Writer) error { return f.WriteAs(ctx, w, name, to) }}
	}
	return WriteStreams(w, streams, f.Metadata())
}

// WriteAs writes the elements of a tensor in order as another type, a part at a time. A
// finite number that is too large for it is an error.
func (f *File) WriteAs(ctx context.Context, w io.Writer, name string, dt tensor.DType) error {
	return f.Guard(func() error { return f.recast(ctx, w, name, dt) })
}

func (f *File) recast(ctx context.Context, w io.Writer, name string, to tensor.DType) error {
	t, err := f.Tensor(name)
	if err != nil {
		return err
	}
	if t, err = t.Contiguous(); err != nil {
		return err
	}
	if t, err = t.Reshape(t.NumElements()); err != nil {
		return err
	}
	for i := 0; i < t.NumElements(); i += recastElements {
		if err := ctx.Err(); err != nil {
			return err
		}
		part, err := t.Narrow(0, i, min(i+recastElements, t.NumElements()))
		if err != nil {
			return err
		}
		rounded, err := part.Convert(to)
		if err != nil {
			return err
		}
		if to != t.DType() && to.IsFloat() {
			if err := CheckRange(part, rounded); err != nil {
				return fmt.Errorf("%s: tensor %s: %w", f.Name(), name, err)
			}
		}
		if _, err := w.Write(rounded.Bytes()); err != nil {
			return err
		}
	}
	return nil
}

// CheckRange returns an error if a finite number has become infinite.
func CheckRange(from, to *tensor.Tensor) error {
	a, err := float64s(from)
	if err != nil {
		return err
	}
	b, err := float64s(to)
	if err != nil {
		return err
	}
	for i, v := range b {
		if math.IsInf(v, 0) && !math.IsInf(a[i], 0) {
			return fmt.Errorf("%g is too large for %s", a[i], to.DType())
		}
	}
	return nil
}

func float64s(t *tensor.Tensor) ([]float64, error) {
	wide, err := t.Convert(tensor.F64)
	if err != nil {
		return nil, err
	}
	return tensor.Data[float64](wide)
}
