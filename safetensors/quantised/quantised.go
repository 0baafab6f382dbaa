// Package quantised writes checkpoints whose matrices and kernels are numbers of
// 8 or 4 bits with scales beside them.
//
// A tensor X [N,...] of floating-point numbers becomes X, of the same shape, in
// I8 or F4 (E2M1, the first of two numbers in the lower bits of a byte), and
// X_scale: F32 [N], one for each row, or F16 [N,K/32], one for each 32 of the K
// numbers of a row. Everything else in the file stays as it is.
package quantised

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Scheme is how numbers are stored.
type Scheme string

const (
	Int8 Scheme = "int8" // 8 bits, a scale for each row: what W8A8 reads in place
	Q8   Scheme = "q8"   // 8 bits, a scale for each 32 numbers
	Q4   Scheme = "q4"   // 4 bits, a scale for each 32 numbers
)

// Schemes lists the schemes.
func Schemes() []Scheme { return []Scheme{Int8, Q8, Q4} }

const (
	// ScaleSuffix is what the name of a tensor and that of its scales differ by.
	ScaleSuffix = "_scale"
	// MetadataKey is under what a file names its scheme.
	MetadataKey = "quantised"

	leastSize = 1 << 10 // numbers that are worth a scale
)

// kept are parts of names of tensors that stay as they are: tables of
// embeddings, the first and the last layer, embeddings of time and sizes, the
// projection that some files store transposed, and the autoencoder. These are
// few numbers, and errors in them are visible.
var kept = []string{
	"embedding.weight", "time_embedding.", "time_embed.", "add_embedding.", "label_emb.", "time_emb_proj.", "emb_layers.",
	"conv_in.", "conv_out.", "diffusion_model.input_blocks.0.", "diffusion_model.out.", "text_projection",
	"first_stage_model.", "decoder.", "encoder.down_blocks.", "encoder.mid_block.",
}

// Names returns the tensors of a file that Write quantises.
func Names(f *safetensors.File) (names []string) {
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		if len(info.Shape) < 2 || !strings.HasSuffix(name, "weight") || !info.DType.IsFloat() ||
			slices.ContainsFunc(kept, func(part string) bool { return strings.Contains(name, part) }) {
			continue
		}
		if n := info.Shape.NumElements(); n >= leastSize && info.Shape[1:].NumElements()%blockSize == 0 {
			names = append(names, name)
		}
	}
	return names
}

// Of returns the scheme of a quantised file, or "" for other files. It also
// names schemes of other programs, which easel does not write.
func Of(f *safetensors.File) Scheme {
	if s := f.Metadata()[MetadataKey]; s != "" {
		return Scheme(s)
	}
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		scale, ok := f.Info(name + ScaleSuffix)
		_, comfy := f.Info(strings.TrimSuffix(name, "weight") + "scale_weight")
		_, bits := f.Info(strings.TrimSuffix(name, "weight") + "SCB")
		bits = bits || strings.Contains(name, ".quant_state.bitsandbytes__")
		switch {
		case (ok || comfy) && (info.DType == tensor.F8E4M3 || info.DType == tensor.F8E5M2):
			return "scaled fp8"
		case bits:
			return "bitsandbytes"
		case !ok:
		case info.DType == tensor.F4:
			return Q4
		case info.DType == tensor.I8 && scale.DType == tensor.F32:
			return Int8
		case info.DType == tensor.I8:
			return Q8
		}
	}
	return ""
}

// Write writes the tensors of f to a single file at path, under a temporary
// name until all is written. A file that is quantised already is an error, as
// is a number that is not finite in a tensor that [Names] has.
func Write(ctx context.Context, path string, f *safetensors.File, s Scheme) error {
	form, ok := forms[s]
	if !ok {
		return fmt.Errorf("%s: no scheme %q; there are %v", path, s, Schemes())
	}
	if of := Of(f); of != "" {
		return fmt.Errorf("%s is quantised already (%s): convert the original", f.Name(), of)
	}
	pool := parallel.New(0)
	defer pool.Close()
	streams := make(map[string]safetensors.Stream)
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		streams[name] = safetensors.Stream{DType: info.DType, Shape: info.Shape, Write: func(w io.Writer) error { return copyTensor(w, f, name) }}
	}
	for _, name := range Names(f) {
		info, _ := f.Info(name)
		if _, ok := streams[name+ScaleSuffix]; ok {
			return fmt.Errorf("%s: tensor %s is in the way of the scales of %s", f.Name(), name+ScaleSuffix, name)
		}
		m := &matrix{form: form, file: f, name: name, n: info.Shape[0], k: info.Shape[1:].NumElements(), pool: pool}
		// Scales are wider and thus written first.
		streams[name+ScaleSuffix] = safetensors.Stream{DType: form.scaleType, Shape: form.scaleShape(m.n, m.k), Write: func(w io.Writer) error { return m.writeScales(ctx, w) }}
		streams[name] = safetensors.Stream{DType: form.dtype, Shape: info.Shape, Write: func(w io.Writer) error { return m.writeNumbers(ctx, w) }}
	}
	metadata := f.Metadata()
	metadata[MetadataKey] = string(s)
	return atomicfile.Write(path, func(w io.Writer) error { return safetensors.WriteStreams(w, streams, metadata) })
}

func copyTensor(w io.Writer, f *safetensors.File, name string) error {
	return f.Guard(func() error {
		t, err := f.Tensor(name)
		if err != nil {
			return err
		}
		_, err = w.Write(t.Bytes())
		return err
	})
}
