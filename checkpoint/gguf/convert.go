package gguf

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Quantisations are the types of blocks that numbers can be written in.
func Quantisations() []tensor.DType {
	return []tensor.DType{tensor.Q80, tensor.Q51, tensor.Q50, tensor.Q41, tensor.Q40}
}

// kept are parts of names of tensors that stay as they are, as in
// stable-diffusion.cpp: biases, embeddings of tokens, times and sizes. These
// are few numbers, and errors in them are visible. A projection may be stored
// transposed, and then blocks would lie across its rows.
var kept = []string{".bias", "time_embed.", "label_emb.", "embedding", "text_projection"}

// as returns the type in which a tensor is written.
func as(name string, info safetensors.Info, dt tensor.DType) (tensor.DType, error) {
	own := info.DType
	switch own { // which the format lacks
	case tensor.F8E4M3, tensor.F8E5M2:
		own = tensor.F16
	}
	axes := len(info.Shape)
	switch {
	case dt == tensor.Invalid:
		return own, nil
	case info.DType.Blocked() && dt.Blocked():
		return own, fmt.Errorf("tensor %s is quantised (%s): convert the original", name, own)
	case !info.DType.IsFloat() && !info.DType.Blocked():
		return own, nil
	case !dt.Blocked():
		return dt, nil
	}
	elems, _ := dt.Block()
	if axes < 2 || info.Shape[axes-1]%elems != 0 ||
		slices.ContainsFunc(kept, func(part string) bool { return strings.Contains(name, part) }) {
		return own, nil
	}
	return dt, nil
}

// WriteFile writes the tensors of f to a GGUF file at path, under a temporary
// name until all is written, as stable-diffusion.cpp and ComfyUI-GGUF read it:
// floating-point numbers become dt. If dt is one of [Quantisations], only
// matrices of whole blocks do, and others stay as they are. With tensor.Invalid
// all stay as they are.
func WriteFile(ctx context.Context, path string, f *safetensors.File, dt tensor.DType) error {
	streams := make(map[string]safetensors.Stream)
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		to, err := as(name, info, dt)
		if err != nil {
			return fmt.Errorf("%s: %w", f.Name(), err)
		}
		streams[name] = safetensors.Stream{DType: to, Shape: info.Shape,
			Write: func(w io.Writer) error { return f.WriteAs(ctx, w, name, to) }}
	}
	metadata := map[string]any{"general.architecture": "sdxl", "general.quantization_version": uint32(2)}
	return atomicfile.Write(path, func(w io.Writer) error { return Write(w, streams, metadata) })
}
