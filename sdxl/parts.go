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

// openParts begins a model all of whose parts come from files of their own.
func (m *Model) openParts(opts OpenOptions) (c configs, open opener, err error) {
	for _, part := range opts.own() {
		err = errors.Join(err, fmt.Errorf("no %s: give a model, or %s", partNames[part].text, partNames[part].option))
	}
	if err != nil {
		return c, nil, err
	}
	m.Path = "parts"
	if opts.Config != "" {
		c, err = m.readFolder(os.DirFS(opts.Config), opts)
		return c, nil, err
	}
	m.ZeroNegative, m.Scheduler = true, sched.DefaultConfig()
	m.TokenizerL, m.TokenizerG = tokenizer.CLIPL(), tokenizer.CLIPG()
	return c, nil, nil
}

// assemble makes the networks: of the model's own parts, which open opens, and of those
// that come from elsewhere.
func (m *Model) assemble(c configs, open opener, opts OpenOptions) error {
	weights := make(map[string]*checkpoint.Weights)
	for _, part := range opts.needed() {
		path := opts.replaced(part)
		if path == "" {
			continue
		}
		w, err := m.replace(part, path, &c, opts)
		if err != nil {
			return fmt.Errorf("%s: %w", partNames[part].text, err)
		}
		weights[part] = w
	}
	return m.build(c, opts.needed(), func(part string, c configs) (*checkpoint.Weights, error) {
		if w := weights[part]; w != nil {
			return w, nil
		}
		return open(part, c)
	})
}

// replace opens the weights of a part that come from elsewhere, and configures the part.
func (m *Model) replace(part, path string, c *configs, opts OpenOptions) (*checkpoint.Weights, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return m.replaceByFolder(part, path, c, opts.Variant)
	}
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	m.files = append(m.files, f)
	s := shapesOf(f)
	form, ok := formOf(s, part, true)
	if !ok {
		return nil, fmt.Errorf("%s holds none: there is no tensor %s, nor one by another program's name%s", path,
			homes[part][0].telltale, heldBy(s))
	}
	owned := func(key string) bool { return ownerOf(forms(s), key) == part && parameter(key) }
	if form.prefix == "" {
		owned = parameter
	}
	if part == unetPart && marked(f) {
		m.Scheduler = sched.DefaultConfig()
		if err := m.readMarkers(f, &c.vae); err != nil {
			return nil, err
		}
	}
	// The model's own configuration says more than shapes do, where it fits.
	known := slices.Contains(c.read, part)
	if known {
		if w, err := form.weights(part, *c, f, owned); err == nil && fits(part, *c, w) {
			return form.weights(part, *c, f, owned)
		}
	}
	inferred := defaultConfigs()
	switch err := inferred.infer(part, form.of(s, part), form.naming); {
	case err == nil:
		c.take(part, inferred)
	case !known: // else the account tells what does not fit
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return form.weights(part, *c, f, owned)
}

// heldBy tells which parts a file has, for an error.
func heldBy(s shapes) string {
	var names []string
	for _, part := range folders {
		if _, ok := formOf(s, part, true); ok {
			names = append(names, partNames[part].text)
		}
	}
	if names == nil {
		return ""
	}
	return "; it has a " + strings.Join(names, ", a ")
}

// take sets the configuration of a part to that of another.
func (c *configs) take(part string, from configs) {
	switch part {
	case textLPart:
		c.textL = from.textL
	case textGPart:
		c.textG = from.textG
	case unetPart:
		c.unet = from.unet
	case vaePart:
		c.vae = from.vae
	}
}

// fits reports whether a network as configured takes just what a file has of it.
func fits(part string, c configs, w *checkpoint.Weights) bool {
	m := &Model{weights: make(map[string]*checkpoint.Weights)}
	if m.add(part, c, w) != nil {
		return false
	}
	for _, g := range m.graphs() {
		if _, err := g.record(); err != nil {
			return false
		}
	}
	a := w.Account()
	return a.Err(false, false) == nil
}

// replaceByFolder opens a part's folder, or that of a model that has the part.
func (m *Model) replaceByFolder(part, path string, c *configs, variant string) (*checkpoint.Weights, error) {
	dir := filepath.Join(path, part)
	if !exists(dir) {
		dir = path
	}
	fresh := defaultConfigs()
	if err := readJSON(os.DirFS(dir), "config.json", fresh.of(part)); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	c.take(part, fresh)
	if part == unetPart && dir != path {
		own := sched.EmptyConfig()
		switch err := readJSON(os.DirFS(path), "scheduler/scheduler_config.json", &own); {
		case err == nil:
			m.Scheduler = own
		case !errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	have, err := safetensors.Variants(dir, weightsBase(part))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(have, variant) {
		variant = ""
	}
	f, err := openWeights(dir, part, variant)
	if err != nil {
		return nil, err
	}
	m.files = append(m.files, f)
	return checkpoint.New(part, f, folderKeys, parameter), nil
}
