package adapt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/tensor"
)

// Embedding is a word's own vectors for the text encoders (textual inversion).
type Embedding struct {
	Name  string         // of the file
	Token string         // the word itself in plain prompts, such as <name>
	L, G  *tensor.Tensor // [n,C] in float32, for the first and the second encoder; nil is none
}

// maxVectors bounds the vectors of a word: a text has room for 75 tokens.
const maxVectors = 75

// OpenEmbedding reads a textual inversion: with clip_l and clip_g, as most programs
// write those of Stable Diffusion XL, or with one tensor by the word's name, as
// diffusers does for each encoder. Widths are those of the two encoders.
func OpenEmbedding(path string, widthL, widthG int) (*Embedding, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	e := &Embedding{Name: embeddingName(path), Token: f.Metadata()["word"]}
	parts := make(map[string]string)
	for _, key := range f.Names() {
		parts[key] = key
	}
	if err := e.read(f, parts, widthL, widthG); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return e, nil
}

// embeddingName returns the name of a textual inversion in a file.
func embeddingName(path string) string {
	name := nameOf(path)
	for _, ext := range embeddingExtensions {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}

var embeddingExtensions = []string{extension, ".pt", ".bin"}

// Embeddings returns the textual inversions that an adapter file holds beside its changes.
func (f *File) Embeddings(widthL, widthG int) (list []*Embedding, err error) {
	for _, name := range f.Info().Inverted {
		e := &Embedding{Name: name}
		if err := e.read(f.source, f.bundled[name], widthL, widthG); err != nil {
			return nil, fmt.Errorf("%s: %s%s: %w", f.source.Name(), embeddingPrefix, name, err)
		}
		list = append(list, e)
	}
	return list, nil
}

// read takes the vectors from a file, whose keys are given by part.
func (e *Embedding) read(f checkpoint.Source, parts map[string]string, widthL, widthG int) error {
	for _, part := range slices.Sorted(keys(parts)) {
		key := parts[part]
		info, ok := f.Info(key)
		if !ok || len(info.Shape) < 1 || len(info.Shape) > 2 || info.Shape.NumElements() == 0 {
			continue
		}
		width := info.Shape[len(info.Shape)-1]
		var to **tensor.Tensor
		switch last := part[strings.LastIndexByte(part, '.')+1:]; {
		case last == "clip_l" && width == widthL, last == "clip_g" && width == widthG,
			last != "clip_l" && last != "clip_g" && (width == widthL || width == widthG):
			to = &e.G
			if last == "clip_l" || last != "clip_g" && width == widthL {
				to = &e.L
			}
			if last != "clip_l" && last != "clip_g" && last != "*" && last != "emb_params" && e.Token == "" {
				e.Token = part
			}
		default:
			return fmt.Errorf("tensor %s has shape %v; the text encoders take vectors of %d (clip_l) and %d (clip_g)%s", key,
				info.Shape, widthL, widthG, foreign(width))
		}
		t, err := f.Tensor(key)
		if err == nil {
			t, err = t.Convert(tensor.F32)
		}
		if err == nil {
			t, err = t.Reshape(info.Shape.NumElements()/width, width)
		}
		if err == nil {
			t, err = t.Contiguous()
		}
		if err != nil {
			return fmt.Errorf("tensor %s: %w", key, err)
		}
		if *to, err = t.Clone(); err != nil {
			return fmt.Errorf("tensor %s: %w", key, err)
		}
	}
	if e.L == nil && e.G == nil {
		return fmt.Errorf("is no textual inversion: none of its %d tensors holds vectors of %d or %d numbers",
			len(parts), widthL, widthG)
	}
	for _, t := range []*tensor.Tensor{e.L, e.G} {
		if t == nil {
			continue
		}
		if n := t.Shape()[0]; n > maxVectors {
			return fmt.Errorf("has %d vectors, want at most %d", n, maxVectors)
		}
		if slices.ContainsFunc(t.Float32s(), func(v float32) bool { return v-v != 0 }) {
			return fmt.Errorf("holds what is no number")
		}
	}
	if e.Token == "" {
		e.Token = "<" + e.Name + ">"
	}
	return nil
}

// foreign says which models have vectors of a width.
func foreign(width int) string {
	switch width {
	case 768:
		return "; it may be for Stable Diffusion 1"
	case 1024:
		return "; it may be for Stable Diffusion 2"
	}
	return ""
}
