package safetensors

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// OpenModel opens the weights of a model in a folder as diffusers and
// transformers lay them out, where base is diffusion_pytorch_model or model:
//
//	base.safetensors                base.fp16.safetensors
//	base.safetensors.index.json     base.safetensors.index.fp16.json
//
// on the left without a variant, on the right with the variant "fp16". Indexes
// are also found under the older names base.safetensors.fp16.index.json and
// base.fp16.safetensors.index.json. As in diffusers an index comes before a
// single file. If no variant is asked for and the folder holds none but the
// files of one variant, these are opened. A folder without such files is an
// error that names the variants it has and wraps os.ErrNotExist.
func OpenModel(dir, base, variant string) (*File, error) {
	present, err := filesOf(dir)
	if err != nil {
		return nil, err
	}
	variants := variantsOf(present, base)
	name := weightsName(present, base, variant)
	if name == "" && variant == "" && len(variants) == 1 {
		name = weightsName(present, base, variants[0])
	}
	path := filepath.Join(dir, name)
	switch {
	case name == "":
		return nil, fmt.Errorf("safetensors: %s: no weights %s of variant %q, there are those of %q: %w", dir, base, variant,
			variants, os.ErrNotExist)
	case strings.HasSuffix(name, ".json"):
		return OpenSharded(path)
	}
	return Open(path)
}

// Variants returns the variants of a model's weights in a folder, "" for the plain
// ones, under the names that [OpenModel] knows.
func Variants(dir, base string) ([]string, error) {
	present, err := filesOf(dir)
	if err != nil {
		return nil, err
	}
	return variantsOf(present, base), nil
}

func filesOf(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names, nil
}

// weightsName returns the name under which a variant is present, or "".
func weightsName(present []string, base, variant string) string {
	v := "." + variant
	names := []string{
		base + ".safetensors.index" + v + ".json",
		base + ".safetensors" + v + ".index.json",
		base + v + ".safetensors.index.json",
		base + v + ".safetensors",
	}
	if variant == "" {
		names = []string{base + ".safetensors.index.json", base + ".safetensors"}
	}
	for _, name := range names {
		if slices.Contains(present, name) {
			return name
		}
	}
	return ""
}

var (
	weightsSuffix = regexp.MustCompile(`^(?:\.safetensors\.index(?:\.([^.]+))?\.json|\.safetensors\.([^.]+)\.index\.json|(?:\.([^.]+))?\.safetensors(?:\.index\.json)?)$`)
	shardSuffix   = regexp.MustCompile(`-\d+-of-\d+$`)
)

// variantsOf returns the variants whose weights are present, "" for the plain ones.
func variantsOf(present []string, base string) []string {
	var found []string
	for _, name := range present {
		rest, ok := strings.CutPrefix(name, base)
		m := weightsSuffix.FindStringSubmatch(rest)
		if !ok || m == nil {
			continue
		}
		if v := m[1] + m[2] + m[3]; !shardSuffix.MatchString(v) {
			found = append(found, v)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}
