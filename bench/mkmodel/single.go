package mkmodel

import (
	"context"
	"encoding/binary"
	"io"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// Tensors of published single files that are no parameters.
const (
	positionIDs = "conditioner.embedders.0.transformer.text_model.embeddings.position_ids"
	logitScale  = "conditioner.embedders.1.model.logit_scale"
)

// WriteSingleFile writes an original single-file checkpoint in F16.
func WriteSingleFile(ctx context.Context, path string, a sdxl.Architecture) error {
	parts, err := a.SingleFile()
	if err != nil {
		return err
	}
	streams := make(map[string]safetensors.Stream)
	for _, tensors := range parts {
		addStreams(ctx, streams, tensors)
	}
	addStreams(ctx, streams, []checkpoint.Tensor{{Key: logitScale, Role: checkpoint.Scale}})
	streams[positionIDs] = safetensors.Stream{DType: tensor.I64, Shape: tensor.Shape{1, a.TextL.MaxPositions},
		Write: func(w io.Writer) error {
			for i := range a.TextL.MaxPositions {
				if err := binary.Write(w, binary.LittleEndian, int64(i)); err != nil {
					return err
				}
			}
			return nil
		}}
	return writeStreams(path, streams)
}

func addStreams(ctx context.Context, streams map[string]safetensors.Stream, tensors []checkpoint.Tensor) {
	for _, t := range tensors {
		streams[t.Key] = safetensors.Stream{DType: tensor.F16, Shape: t.Shape,
			Write: func(w io.Writer) error { return writeRandom(ctx, w, t) }}
	}
}

func writeStreams(path string, streams map[string]safetensors.Stream) error {
	return atomicfile.Write(path, func(w io.Writer) error {
		return safetensors.WriteStreams(w, streams, map[string]string{"format": "pt"})
	})
}
