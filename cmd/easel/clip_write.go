package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/internal/parquet"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// vectorWriter returns what writes the format that a file's name says.
func vectorWriter(path string) (func(path string, v vectors) error, error) {
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".safetensors":
		return writeSafetensors, nil
	case ".npy":
		return writeNPY, nil
	case ".jsonl":
		return func(path string, v vectors) error {
			return atomicfile.Write(path, func(w io.Writer) error { return writeLines(w, v) })
		}, nil
	case ".parquet":
		return writeParquet, nil
	case "":
		if path == "" {
			return nil, nil
		}
	}
	return nil, fmt.Errorf("%s: the name ends in none of .safetensors, .npy, .jsonl and .parquet", path)
}

// matrix puts vectors one after the other: [N,dim].
func matrix(rows [][]float32) (*tensor.Tensor, error) {
	return tensor.FromSlice(slices.Concat(rows...), len(rows), len(rows[0]))
}

// writeSafetensors writes vectors and logits; the names are in the metadata.
func writeSafetensors(path string, v vectors) error {
	tensors, metadata := make(map[string]*tensor.Tensor), make(map[string]string)
	for _, side := range []struct {
		key, names string
		list       []string
		rows       [][]float32
	}{{"text_embeds", "texts", v.texts, v.ofTexts}, {"image_embeds", "pictures", v.pictures, v.ofPictures}} {
		if len(side.rows) == 0 {
			continue
		}
		t, err := matrix(side.rows)
		if err != nil {
			return err
		}
		names, err := json.Marshal(side.list)
		if err != nil {
			return err
		}
		tensors[side.key], metadata[side.names] = t, string(names)
	}
	if len(tensors) == 2 {
		logits := tensor.New(tensor.F32, len(v.ofPictures), len(v.ofTexts))
		for i, p := range v.ofPictures {
			for j, t := range v.ofTexts {
				logits.Float32s()[i*len(v.ofTexts)+j] = v.model.Scale*clip.Cosine(p, t) + v.model.Bias
			}
		}
		tensors["logits"] = logits
	}
	return safetensors.WriteFile(path, tensors, metadata)
}

// one returns the names and vectors of texts or of pictures.
func (v vectors) one() ([]string, [][]float32, error) {
	if len(v.ofTexts) > 0 && len(v.ofPictures) > 0 {
		return nil, nil, errors.New("a .npy holds texts or pictures; the other formats hold both")
	}
	if len(v.ofTexts) > 0 {
		return v.texts, v.ofTexts, nil
	}
	return v.pictures, v.ofPictures, nil
}

// writeNPY writes vectors in NumPy's format, and their names beside them.
func writeNPY(path string, v vectors) error {
	names, rows, err := v.one()
	if err != nil {
		return err
	}
	dim := v.model.Dim()
	if err := atomicfile.Write(namesPath(path), func(w io.Writer) error {
		for _, name := range names {
			if _, err := fmt.Fprintln(w, strings.NewReplacer("\n", " ", "\r", " ").Replace(name)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		header := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", len(rows), dim)
		const fixed, align = 10, 64
		header += strings.Repeat(" ", align-1-(fixed+len(header))%align) + "\n"
		head := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
		if _, err := w.Write(append(head, header...)); err != nil {
			return err
		}
		for _, row := range rows {
			if err := binary.Write(w, binary.LittleEndian, row); err != nil {
				return err
			}
		}
		return nil
	})
}

// namesPath returns where the names lie that belong to a .npy.
func namesPath(path string) string { return strings.TrimSuffix(path, filepath.Ext(path)) + ".txt" }

// writeParquet writes a row for each vector, with the columns that a line of JSON has.
func writeParquet(path string, v vectors) error {
	texts, pictures := make([]*string, 0, len(v.texts)), make([]*string, len(v.ofTexts))
	for i := range v.ofTexts {
		texts = append(texts, &v.texts[i])
	}
	for i := range v.ofPictures {
		texts, pictures = append(texts, nil), append(pictures, &v.pictures[i])
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		buffered := bufio.NewWriter(w)
		err := parquet.Write(buffered, []parquet.Column{
			{Name: "text", Texts: texts}, {Name: "picture", Texts: pictures},
			{Name: "embedding", Vectors: slices.Concat(v.ofTexts, v.ofPictures)},
		})
		return errors.Join(err, buffered.Flush())
	})
}

// vectorLine is a line of JSON.
type vectorLine struct {
	Text    *string   `json:"text,omitempty"`
	Picture string    `json:"picture,omitempty"`
	Vector  []float32 `json:"embedding"`
}

func writeLines(w io.Writer, v vectors) error {
	buffered := bufio.NewWriter(w)
	e := json.NewEncoder(buffered)
	e.SetEscapeHTML(false)
	for i := range v.ofTexts {
		if err := e.Encode(vectorLine{Text: &v.texts[i], Vector: v.ofTexts[i]}); err != nil {
			return err
		}
	}
	for i := range v.ofPictures {
		if err := e.Encode(vectorLine{Picture: v.pictures[i], Vector: v.ofPictures[i]}); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
