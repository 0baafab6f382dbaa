package sdxl

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

// Fusion is what adapters make of a model's weights, to be written in their place.
type Fusion struct {
	changes map[[2]string][]fusedRows // by part and the tensor's name
	written map[[2]string]bool
}

// fusedRows is a changed weight and where it lies in a tensor.
type fusedRows struct {
	checkpoint.Place
	weight *nn.Weight
}

// Fuse finds the weights that adapters of a library change. The model must stay open until they are written.
func (m *Model) Fuse(library *adapt.Library, adapters []Adapter) (*Fusion, error) {
	var e FieldErrors
	if (&Options{Adapters: adapters}).checkAdapters(&e); e != nil {
		return nil, e
	}
	set, _, err := (&Pipeline{model: m, library: library}).adapters(adapters, nil)
	if err != nil {
		return nil, err
	}
	f := &Fusion{make(map[[2]string][]fusedRows), make(map[[2]string]bool)}
	for _, g := range m.graphs() {
		if set.For(g.part) == nil {
			continue
		}
		stored := m.weights[g.part]
		graph, err := g.record()
		if err != nil {
			return nil, err
		}
		params, err := stored.Parameters(graph)
		if err != nil {
			return nil, err
		}
		adapted := set.Weights(g.part, stored)
		for _, p := range params {
			w := adapted.Weight(p.Name, p.Shape...)
			if len(w.Deltas) == 0 {
				continue
			}
			if err := w.CheckDeltas(); err != nil {
				return nil, err
			}
			at, ok := stored.Place(p.Name)
			if !ok {
				return nil, fmt.Errorf("%s: no parameter %s", stored.File(), p.Name)
			}
			key := [2]string{g.part, at.Key}
			f.changes[key] = append(f.changes[key], fusedRows{at, w})
		}
	}
	if len(f.changes) == 0 {
		return nil, errors.New("the adapters change no weight of the model: want weights other than 0, and no textual inversion")
	}
	return f, nil
}

// Left returns an error that names a changed tensor which has not been written.
func (f *Fusion) Left() error {
	var left [2]string // the first by its names
	for key := range f.changes {
		if !f.written[key] && (left[1] == "" || key[0]+key[1] < left[0]+left[1]) {
			left = key
		}
	}
	if left[1] == "" {
		return nil
	}
	return fmt.Errorf("an adapter changes tensor %s of the %s, which is in none of the files that are written: want its weights in safetensors", left[1], left[0])
}

// in returns the part that has changes in a tensor, if the file is of one part that is asked for or of all with "".
func (f *Fusion) in(part, key string) (found [2]string, ok bool) {
	for _, p := range folders {
		if _, ok := f.changes[[2]string{p, key}]; ok && (part == "" || part == p) {
			return [2]string{p, key}, true
		}
	}
	return found, false
}

// Write writes the tensors of a file of the model to a safetensors file, those that change with what the adapters add. The file is that of a part,
// by the name of the part's folder, or with "" a single file. as returns the type that a tensor is written in, given the stored one
// and whether it changes.
func (f *Fusion) Write(ctx context.Context, path string, file *safetensors.File, part string, as func(stored tensor.DType, changed bool) tensor.DType) error {
	streams := make(map[string]safetensors.Stream)
	for _, name := range file.Names() {
		info, _ := file.Info(name)
		key, changed := f.in(part, name)
		to := as(info.DType, changed)
		s := safetensors.Stream{DType: to, Shape: info.Shape}
		switch {
		case !changed:
			s.Write = func(w io.Writer) error { return file.WriteAs(ctx, w, name, to) }
		case !to.IsFloat():
			return fmt.Errorf("%s: tensor %s is quantised (%s), and an adapter changes it: give another number format, or fuse into the original", file.Name(), name, info.DType)
		default:
			s.Write = func(w io.Writer) error { return f.write(ctx, w, file, key, to) }
			f.written[key] = true
		}
		streams[name] = s
	}
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.WriteStreams(w, streams, file.Metadata()) })
}

// write writes a tensor with its changes.
func (f *Fusion) write(ctx context.Context, w io.Writer, file *safetensors.File, key [2]string, to tensor.DType) error {
	return file.Guard(func() error {
		stored, err := file.Tensor(key[1])
		if err != nil {
			return err
		}
		wide, err := stored.Convert(tensor.F32)
		if err != nil {
			return err
		}
		fused, err := wide.Clone()
		if err != nil {
			return err
		}
		for _, rows := range f.changes[key] {
			values, err := weights.Values(ctx, rows.weight)
			if err != nil {
				return err
			}
			rows.put(fused, values)
		}
		out, err := fused.Convert(to)
		if err != nil {
			return err
		}
		if err := safetensors.CheckRange(fused, out); err != nil {
			return fmt.Errorf("%s: tensor %s with the adapters: %w", file.Name(), key[1], err)
		}
		_, err = w.Write(out.Bytes())
		return err
	})
}

// put stores the weight's values where they lie.
func (r *fusedRows) put(t *tensor.Tensor, values []float32) {
	all := t.Float32s()
	if r.To > 0 {
		each := len(all) / t.Shape()[0]
		all = all[r.From*each : r.To*each]
	}
	if !r.Transpose {
		copy(all, values)
		return
	}
	n, k := r.weight.Matrix()
	for i, v := range values {
		all[i%k*n+i/k] = v
	}
}
