package mkmodel

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/safetensors"
)

// tower is the size of a tower: width, layers, heads and width of the inner layer.
type tower struct{ width, layers, heads, inner int }

// clipPreset is a published pair of towers.
type clipPreset struct {
	text, vision     tower
	dim, image       int
	patch            int
	act              string
	vocab, positions int
	siglip           bool
}

var clipPresets = map[string]clipPreset{
	"clip-tiny":         {tower{64, 2, 1, 256}, tower{128, 2, 2, 512}, 64, 64, 16, "quick_gelu", vocab, 77, false},
	"clip-b32":          {tower{512, 12, 8, 2048}, tower{768, 12, 12, 3072}, 512, 224, 32, "quick_gelu", vocab, 77, false},
	"clip-b16":          {tower{512, 12, 8, 2048}, tower{768, 12, 12, 3072}, 512, 224, 16, "quick_gelu", vocab, 77, false},
	"clip-l14":          {tower{768, 12, 12, 3072}, tower{1024, 24, 16, 4096}, 768, 224, 14, "quick_gelu", vocab, 77, false},
	"clip-h14":          {tower{1024, 24, 16, 4096}, tower{1280, 32, 16, 5120}, 1024, 224, 14, "gelu", vocab, 77, false},
	"clip-bigg14":       {tower{1280, 32, 20, 5120}, tower{1664, 48, 16, 8192}, 1280, 224, 14, "gelu", vocab, 77, false},
	"siglip-b16":        {tower{768, 12, 12, 3072}, tower{768, 12, 12, 3072}, 0, 224, 16, "gelu_pytorch_tanh", 256000, 64, true},
	"siglip-so400m":     {tower{1152, 27, 16, 4304}, tower{1152, 27, 16, 4304}, 0, 224, 14, "gelu_pytorch_tanh", 256000, 64, true},
	"siglip-so400m-384": {tower{1152, 27, 16, 4304}, tower{1152, 27, 16, 4304}, 0, 384, 14, "gelu_pytorch_tanh", 256000, 64, true},
}

// CLIPPresets returns the names that WriteCLIP knows.
func CLIPPresets() []string { return slices.Sorted(maps.Keys(clipPresets)) }

func (p clipPreset) architecture() clip.Architecture {
	a := clip.Architecture{Text: clip.DefaultTextConfig(), Vision: clip.DefaultVisionConfig()}
	t, v := &a.Text, &a.Vision
	t.Architectures = []string{"CLIPTextModelWithProjection"}
	t.VocabSize, t.MaxPositions, t.HiddenAct, v.HiddenAct = p.vocab, p.positions, p.act, p.act
	t.HiddenSize, t.Layers, t.Heads, t.Intermediate = p.text.width, p.text.layers, p.text.heads, p.text.inner
	v.HiddenSize, v.Layers, v.Heads, v.Intermediate = p.vision.width, p.vision.layers, p.vision.heads, p.vision.inner
	v.ImageSize, v.PatchSize = p.image, p.patch
	t.ProjectionDim, v.ProjectionDim = p.dim, p.dim
	if p.siglip {
		t.Architectures, v.ModelType = nil, "siglip_vision_model"
		t.LayerNormEps, v.LayerNormEps = 1e-6, 1e-6
	}
	return a
}

// WriteCLIP writes a folder of a CLIP or SigLIP model in F16, as Hugging Face
// publishes them. The folder must not exist yet. SigLIP's tokenizer knows single
// letters only.
func WriteCLIP(ctx context.Context, path, preset string) error {
	p, ok := clipPresets[preset]
	if !ok {
		return fmt.Errorf("no preset %q; there are %s", preset, strings.Join(CLIPPresets(), ", "))
	}
	a := p.architecture()
	tensors, err := a.Tensors()
	if err != nil {
		return err
	}
	kind, processor := "clip", "CLIPImageProcessor"
	preprocessing := map[string]any{"size": map[string]int{"shortest_edge": p.image},
		"crop_size": map[string]int{"height": p.image, "width": p.image}}
	scale := []checkpoint.Tensor{{Key: "logit_scale", Role: checkpoint.Scale}}
	if p.siglip {
		kind, processor = "siglip", "SiglipImageProcessor"
		preprocessing = map[string]any{"size": map[string]int{"height": p.image, "width": p.image}}
		scale = []checkpoint.Tensor{{Key: "logit_scale", Shape: []int{1}, Role: checkpoint.Scale}, {Key: "logit_bias", Shape: []int{1}}}
	}
	preprocessing["image_processor_type"] = processor
	files, err := clipTokenizer(p)
	if err != nil {
		return err
	}
	for name, config := range map[string]any{
		"preprocessor_config.json": preprocessing,
		"config.json": map[string]any{
			"architectures": []string{strings.ToUpper(kind[:1]) + kind[1:] + "Model"}, "model_type": kind, "projection_dim": p.dim,
			"text_config":   described(a.Text, "model_type", kind+"_text_model"),
			"vision_config": described(a.Vision, "model_type", kind+"_vision_model"),
		},
	} {
		if files[name], err = json.MarshalIndent(config, "", "  "); err != nil {
			return err
		}
	}
	return atomicfile.WriteFolder(path, func(dir string) error {
		for name, data := range files {
			if err := writeFile(filepath.Join(dir, name), data); err != nil {
				return err
			}
		}
		streams := make(map[string]safetensors.Stream)
		addStreams(ctx, streams, append(tensors, scale...))
		return writeStreams(filepath.Join(dir, "model.safetensors"), streams)
	})
}

// clipTokenizer returns the files of a tokenizer.
func clipTokenizer(p clipPreset) (map[string][]byte, error) {
	if !p.siglip {
		return tokenizer.CLIPFiles("<|endoftext|>")
	}
	ids := map[string]int{"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "\u2581": 4}
	for b := range 256 {
		ids[fmt.Sprintf("<0x%02X>", b)] = 5 + b
	}
	for c := '!'; c <= '~'; c++ {
		ids[string(c)] = len(ids)
	}
	file, err := json.Marshal(map[string]any{
		"added_tokens": []any{},
		"normalizer":   map[string]any{"type": "Replace", "pattern": map[string]string{"String": " "}, "content": "\u2581"},
		"post_processor": map[string]any{"type": "TemplateProcessing",
			"single": []any{map[string]any{"Sequence": map[string]any{"id": "A"}},
				map[string]any{"SpecialToken": map[string]any{"id": "<eos>"}}}},
		"model": map[string]any{"type": "BPE", "unk_token": "<unk>", "fuse_unk": true, "byte_fallback": true,
			"vocab": ids, "merges": []any{}},
	})
	if err != nil {
		return nil, err
	}
	config := []byte(`{"tokenizer_class": "Siglip2Tokenizer", "model_max_length": 64, "pad_token": "<pad>", "eos_token": "<eos>", "padding_side": "right"}`)
	return map[string][]byte{"tokenizer.json": file, "tokenizer_config.json": config}, nil
}
