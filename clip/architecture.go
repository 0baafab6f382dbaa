package clip

import (
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/safetensors"
)

// Architecture configures the towers of a model, and so determines the tensors
// in its folder.
type Architecture struct {
	Text   TextConfig
	Vision VisionConfig
}

// Siglip reports whether the towers are SigLIP's.
func (a Architecture) Siglip() bool { return a.Vision.siglip() }

// emptyFile is a safetensors file that holds nothing.
const emptyFile = "\x02\x00\x00\x00\x00\x00\x00\x00{}"

// Tensors lists the tensors of a Hugging Face folder.
func (a Architecture) Tensors() ([]checkpoint.Tensor, error) {
	none, err := safetensors.OpenReaderAt(strings.NewReader(emptyFile), int64(len(emptyFile)), "architecture")
	if err != nil {
		return nil, err
	}
	weights := func(component string) *checkpoint.Weights {
		return checkpoint.New(component, none, folderPlaces(a.Vision.HiddenSize), parameter)
	}
	var list []checkpoint.Tensor
	add := func(w *checkpoint.Weights, g *nn.Graph, err error) error {
		if err == nil {
			list, err = w.Tensors(list, g)
		}
		return err
	}
	w := weights(textModel)
	record := newSiglipTextRecorder
	if !a.Siglip() {
		record = newTextRecorder
	}
	embeddings, err := record(a.Text, w)
	if err != nil {
		return nil, err
	}
	g, err := embeddings(1, a.Text.MaxPositions)
	if err := add(w, g, err); err != nil {
		return nil, err
	}
	w = weights(visionModel)
	e, err := NewVisionEncoder(a.Vision, w)
	if err != nil {
		return nil, err
	}
	g, err = e.Graph(1)
	if err := add(w, g, err); err != nil {
		return nil, err
	}
	for i, t := range list {
		if strings.HasSuffix(t.Key, "patch_embedding.weight") { // a convolution there
			k := a.Vision.PatchSize
			list[i].Shape = append(t.Shape[:1:1], a.Vision.Channels, k, k)
		}
	}
	return list, nil
}
