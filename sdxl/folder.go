package sdxl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip/tokenizer"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/sched"
)

// readFolder reads the configurations, tokenizers and scheduler of a diffusers folder. That of a part
// that comes from elsewhere may be missing.
func (m *Model) readFolder(fsys fs.FS, opts OpenOptions) (c configs, err error) {
	var index struct {
		Class        string `json:"_class_name"`
		ZeroNegative *bool  `json:"force_zeros_for_empty_prompt"`
	}
	m.ZeroNegative = true
	if err := readJSON(fsys, "model_index.json", &index); err == nil {
		if index.ZeroNegative != nil {
			m.ZeroNegative = *index.ZeroNegative
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	c = defaultConfigs()
	var errs []error
	for _, part := range opts.needed() {
		err := readJSON(fsys, part+"/config.json", c.of(part))
		if opts.replaced(part) != "" && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		c.read = append(c.read, part)
		errs = append(errs, err)
	}
	if opts.parts()&TokenizerParts != 0 {
		errs = append(errs, m.readTokenizers(fsys))
	}
	m.Scheduler = sched.EmptyConfig()
	if err := readJSON(fsys, "scheduler/scheduler_config.json", &m.Scheduler); errors.Is(err, fs.ErrNotExist) {
		m.Scheduler = sched.DefaultConfig()
	} else {
		errs = append(errs, err)
	}
	return c, errors.Join(errs...)
}

func (m *Model) readTokenizers(fsys fs.FS) error {
	load := func(dir string) (*tokenizer.Tokenizer, error) {
		sub, err := fs.Sub(fsys, dir)
		if err != nil {
			return nil, err
		}
		t, err := tokenizer.Load(sub)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", dir, err)
		}
		return t, nil
	}
	var errL, errG error
	m.TokenizerL, errL = load("tokenizer")
	m.TokenizerG, errG = load("tokenizer_2")
	return errors.Join(errL, errG)
}

// folders are the parts of a diffusers folder that hold a configuration.
var folders = []string{textLPart, textGPart, unetPart, vaePart}

func (m *Model) openFolder(fsys fs.FS, opts OpenOptions,
	weights func(dir, base string) (*safetensors.File, error)) (c configs, open opener, err error) {
	if !slices.ContainsFunc(folders, func(dir string) bool {
		_, err := fs.Stat(fsys, dir+"/config.json")
		return err == nil
	}) {
		return c, nil, fmt.Errorf("model: %s is no diffusers folder: it has none of %s/config.json", m.Path,
			strings.Join(folders, ", "))
	}
	if c, err = m.readFolder(fsys, opts); err != nil {
		return c, nil, fmt.Errorf("%s: %w", m.Path, err)
	}
	return c, func(part string, _ configs) (*checkpoint.Weights, error) {
		f, err := weights(part, weightsBase(part))
		if err != nil {
			return nil, err
		}
		m.files = append(m.files, f)
		return checkpoint.New(part, f, folderKeys, parameter), nil
	}, nil
}

// openWeights opens the weights of a part's folder: safetensors, or else what torch saved.
func openWeights(dir, part, variant string) (*safetensors.File, error) {
	f, err := safetensors.OpenModel(dir, weightsBase(part), variant)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	base := weightsBase(part)
	if base == "model" {
		base = "pytorch_model"
	}
	names := []string{base + ".bin"}
	if variant != "" {
		names = []string{base + "." + variant + ".bin", base + ".bin"}
	}
	for _, name := range names {
		if path := filepath.Join(dir, name); exists(path) {
			return checkpoint.Open(path)
		}
	}
	return nil, err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// weightsBase is how the names of a part's weight files begin.
func weightsBase(part string) string {
	if strings.HasPrefix(part, "text_encoder") {
		return "model"
	}
	return "diffusion_pytorch_model"
}

// variantsOf returns the variant to open of each part of a folder: the one that
// was asked for, but the plain files of a part that does not have it, as diffusers
// falls back. A variant that no part has is an error.
func variantsOf(path, variant string) (map[string]string, error) {
	chosen := make(map[string]string)
	if variant == "" {
		return chosen, nil
	}
	some := false
	var present []string
	for _, part := range folders {
		chosen[part] = variant
		have, err := safetensors.Variants(filepath.Join(path, part), weightsBase(part))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		present = append(present, have...)
		switch {
		case slices.Contains(have, variant):
			some = true
		case slices.Contains(have, ""):
			chosen[part] = ""
		}
	}
	if !some {
		slices.Sort(present)
		others := slices.DeleteFunc(slices.Compact(present), func(v string) bool { return v == "" })
		if len(others) == 0 {
			return nil, fmt.Errorf("%s: no part has weights of variant %q, there are only plain ones", path, variant)
		}
		return nil, fmt.Errorf("%s: no part has weights of variant %q, there are those of %q", path, variant, others)
	}
	return chosen, nil
}
