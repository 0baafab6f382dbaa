// Package adapt reads adapters of Stable Diffusion XL: LoRA and similar kinds,
// and textual inversions. It turns the tensors of a file into changes of a
// model's weights by the reference's names. It records no graph and opens no
// model.
package adapt

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// File is an open adapter. It is safe for concurrent use.
type File struct {
	Name    string // of the file, without its folder and .safetensors
	Path    string
	source  checkpoint.Source
	id      uint64
	modules map[string]*module
	unknown []string // tensors that are no part of an adapter
	bundled map[string]map[string]string
	peft    peftConfig
}

// module is what a file holds for one module of a network.
type module struct {
	name  string
	parts map[string]string // keys of the file by part
}

// ids tells files apart, for what is compiled with them.
var ids atomic.Uint64

// embeddingPrefix begins the names of textual inversions inside an adapter.
const embeddingPrefix = "bundle_emb."

// Open opens an adapter in a safetensors file, or a folder of PEFT's with
// adapter_model.safetensors and adapter_config.json.
func Open(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	file, config := path, ""
	if info.IsDir() {
		file, config = filepath.Join(path, "adapter_model.safetensors"), filepath.Join(path, "adapter_config.json")
		if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
			file = filepath.Join(path, "pytorch_lora_weights.safetensors")
		}
	}
	s, err := checkpoint.Open(file)
	if err != nil {
		return nil, err
	}
	f, err := read(s, path, config)
	if err != nil {
		s.Close()
		return nil, err
	}
	return f, nil
}

func read(s checkpoint.Source, path, config string) (*File, error) {
	f := &File{
		Name: strings.TrimSuffix(filepath.Base(path), ".safetensors"), Path: path, source: s, id: ids.Add(1),
		modules: make(map[string]*module), bundled: make(map[string]map[string]string),
	}
	for _, key := range s.Names() {
		if rest, ok := strings.CutPrefix(key, embeddingPrefix); ok {
			name, part, _ := strings.Cut(rest, ".")
			if f.bundled[name] == nil {
				f.bundled[name] = make(map[string]string)
			}
			f.bundled[name][part] = key
			continue
		}
		name, part, ok := split(key)
		if !ok {
			f.unknown = append(f.unknown, key)
			continue
		}
		name = strings.ReplaceAll(name, ".processor.", ".")
		m := f.modules[name]
		if m == nil {
			m = &module{name, make(map[string]string)}
			f.modules[name] = m
		}
		if have, twice := m.parts[part]; twice {
			return nil, fmt.Errorf("%s: %s and %s are the same part of one module", s.Name(), have, key)
		}
		m.parts[part] = key
	}
	for name, m := range f.modules {
		if key := m.parts["weight"]; key != "" && len(m.parts) == 1 { // a weight itself, and no part of an IA3
			f.unknown = append(f.unknown, key)
			delete(f.modules, name)
		}
	}
	slices.Sort(f.unknown)
	if len(f.modules) == 0 && len(f.bundled) == 0 {
		return nil, fmt.Errorf("%s is no adapter: none of its %d tensors is a part of a LoRA or its kin%s", s.Name(),
			len(s.Names()), like(s))
	}
	if err := f.peft.read(s.Metadata(), config); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(), err)
	}
	return f, nil
}

// like says what a file without an adapter may be.
func like(s checkpoint.Source) string {
	names := s.Names()
	has := func(part string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.Contains(n, part) })
	}
	switch {
	case has("clip_l") || has("emb_params") || len(names) == 1:
		return "; it looks like a textual inversion"
	case has("oft_R"):
		return "; it is an OFT of PEFT, which easel does not read"
	case has("model.diffusion_model.") || has("first_stage_model."):
		return "; it looks like a whole model"
	case has("double_blocks.") || has("transformer."):
		return "; it is of another family of models"
	}
	return ""
}

// Close gives the file back. Nothing that was made of it may run any more.
func (f *File) Close() error { return f.source.Close() }

// Names returns the modules, as the file names them.
func (f *File) Names() []string { return slices.Sorted(maps.Keys(f.modules)) }

// weight returns a tensor of the file as a weight.
func (f *File) weight(key string) *nn.Weight {
	info, _ := f.source.Info(key)
	return &nn.Weight{
		Name: f.Name + "/" + key, DType: info.DType, Shape: info.Shape, Copied: !f.source.Mapped(key),
		Load: func() (*tensor.Tensor, error) { return f.source.Tensor(key) },
	}
}

// floats returns a tensor of the file in float32.
func (f *File) floats(key string) (*tensor.Tensor, error) {
	t, err := f.source.Tensor(key)
	if err != nil {
		return nil, err
	}
	if t, err = t.Convert(tensor.F32); err != nil {
		return nil, fmt.Errorf("%s: tensor %s: %w", f.source.Name(), key, err)
	}
	return t.Contiguous()
}

// number returns a tensor of one number.
func (f *File) number(key string) (float64, error) {
	t, err := f.floats(key)
	if err != nil {
		return 0, err
	}
	if t.NumElements() != 1 {
		return 0, fmt.Errorf("%s: tensor %s has shape %v, want one number", f.source.Name(), key, t.Shape())
	}
	v := float64(t.Float32s()[0])
	if v-v != 0 {
		return 0, fmt.Errorf("%s: tensor %s is %g, want a number", f.source.Name(), key, v)
	}
	return v, nil
}

// shape returns that of a tensor of the file.
func (f *File) shape(key string) tensor.Shape {
	info, _ := f.source.Info(key)
	return info.Shape
}

// metadataKey is where diffusers keeps PEFT's configuration in a file.
const metadataKey = "lora_adapter_metadata"

// peftConfig is what PEFT's configurations say of scales, by the start of the
// names that each is for.
type peftConfig map[string]*peftScales

type peftScales struct {
	R            float64            `json:"r"`
	Alpha        *float64           `json:"lora_alpha"`
	AlphaOther   *float64           `json:"alpha"` // of LoHa and LoKr
	RankStable   bool               `json:"use_rslora"`
	AlphaPattern map[string]float64 `json:"alpha_pattern"`
	FanInFanOut  bool               `json:"fan_in_fan_out"`
}

func (c *peftConfig) read(metadata map[string]string, file string) error {
	*c = make(peftConfig)
	if text := metadata[metadataKey]; text != "" {
		var flat map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &flat); err != nil {
			return fmt.Errorf("metadata %s: %w", metadataKey, err)
		}
		parts := make(map[string]map[string]json.RawMessage)
		for key, v := range flat {
			part, field, ok := strings.Cut(key, ".")
			if !ok {
				part, field = "", key
			}
			if parts[part] == nil {
				parts[part] = make(map[string]json.RawMessage)
			}
			parts[part][field] = v
		}
		for part, fields := range parts {
			text, err := json.Marshal(fields)
			if err == nil {
				err = c.add(part, text)
			}
			if err != nil {
				return fmt.Errorf("metadata %s: %w", metadataKey, err)
			}
		}
	}
	if file == "" {
		return nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = c.add("", text)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

func (c peftConfig) add(part string, text []byte) error {
	s := new(peftScales)
	if err := json.Unmarshal(text, s); err != nil {
		return err
	}
	if s.FanInFanOut {
		return errors.New("fan_in_fan_out is set, which no layer of Stable Diffusion XL is")
	}
	c[part] = s
	return nil
}

// alpha returns what the configuration says of a module: the alpha that it has, or
// nil, and whether it is divided by the root of the rank.
func (c peftConfig) alpha(component, name string) (alpha *float64, rankStable bool) {
	s := c[component]
	if s == nil {
		s = c[""]
	}
	if s == nil {
		return nil, false
	}
	alpha = s.Alpha
	if alpha == nil {
		alpha = s.AlphaOther
	}
	longest := -1
	for pattern, v := range s.AlphaPattern {
		pattern = strings.TrimPrefix(pattern, "^")
		if len(pattern) > longest && (name == pattern || strings.HasSuffix(name, "."+pattern)) {
			alpha, longest = &v, len(pattern)
		}
	}
	return alpha, s.RankStable
}
