package hubpull

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// weights are how the names of files of weights end, the preferred first.
var weights = []string{".safetensors", ".gguf", ".ckpt", ".bin", ".pt", ".pth"}

// parts are the folders of a model whose weights are read, and how these are called.
var parts = map[string]string{"text_encoder": "model", "text_encoder_2": "model", "unet": "diffusion_pytorch_model",
	"vae": "diffusion_pytorch_model"}

// settings are the files beside weights that are read.
var settings = []string{"config.json", "model_index.json", "scheduler_config.json", "preprocessor_config.json",
	"tokenizer_config.json", "tokenizer.json", "vocab.json", "merges.txt",
	"special_tokens_map.json", "spiece.model", "tokenizer.model", "open_clip_config.json"}

// folders are those of a model that settings are taken from, beside its root.
var folders = []string{"scheduler", "tokenizer", "tokenizer_2", "text_encoder", "text_encoder_2", "unet", "vae"}

// chooseFiles returns which files of a repository are needed: one that is asked for by name, those of a
// diffusers folder, of a tower of CLIP, or the only file of weights.
func chooseFiles(all []string, file, variant string) ([]string, error) {
	switch {
	case file != "":
		if !slices.Contains(all, file) {
			return nil, fmt.Errorf("it has no file %s; of weights it has %v", file, weightsIn(all))
		}
		return []string{file}, nil
	case slices.Contains(all, "model_index.json"):
		return chooseFolder(all, variant)
	}
	var chosen []string
	for _, name := range all {
		if path.Dir(name) == "." && slices.Contains(settings, name) {
			chosen = append(chosen, name)
		}
	}
	if own := named(all, "model", variant); own != nil && slices.Contains(all, "config.json") {
		return append(chosen, own...), nil
	}
	if found := weightsIn(all); len(found) != 1 {
		return nil, fmt.Errorf("it is no model of diffusers, and has %d files of weights: ask for one of them as org/name/file: %v", len(found), found)
	}
	return weightsIn(all), nil
}

// weightsIn returns the files of weights, those of the kind that is preferred alone.
func weightsIn(all []string) []string {
	for _, ext := range weights {
		var found []string
		for _, name := range all {
			if strings.EqualFold(path.Ext(name), ext) {
				found = append(found, name)
			}
		}
		if found != nil {
			return found
		}
	}
	return nil
}

// chooseFolder returns the files of a diffusers folder. Without a variant that of 16 bits is taken
// where there is one, as it is half as large.
func chooseFolder(all []string, variant string) (chosen []string, err error) {
	for _, name := range all {
		dir := path.Dir(name)
		if slices.Contains(settings, path.Base(name)) && (dir == "." || slices.Contains(folders, dir)) {
			chosen = append(chosen, name)
		}
	}
	want := variant
	if want == "" {
		want = "fp16"
	}
	some := false
	for _, part := range folders {
		base, ok := parts[part]
		if !ok {
			continue
		}
		found := named(all, part+"/"+base, want)
		some = some || found != nil
		if found == nil {
			found = named(all, part+"/"+base, "")
		}
		if base == "model" && found == nil {
			found = named(all, part+"/pytorch_model", want)
		}
		if found == nil {
			return nil, fmt.Errorf("its %s has no weights in a format that is read", part)
		}
		chosen = append(chosen, found...)
	}
	if variant != "" && !some {
		return nil, fmt.Errorf("no part of it has weights of variant %q", variant)
	}
	return chosen, nil
}

// numbered is how shards are told apart.
var numbered = regexp.MustCompile(`-\d+-of-\d+`)

// named returns the files of weights of a base name and a variant: an index with its shards, a single file, or
// one of torch; nil if there are none.
func named(all []string, base, variant string) []string {
	dot := ""
	if variant != "" {
		dot = "." + variant
	}
	var shards []string
	for _, name := range all {
		switch rest, _ := strings.CutPrefix(name, base); {
		case !strings.HasPrefix(name, base):
		case rest == ".safetensors.index"+dot+".json", rest == ".safetensors"+dot+".index.json",
			rest == dot+".safetensors.index.json", // which changed over time
			numbered.ReplaceAllString(rest, "") == dot+".safetensors" && numbered.MatchString(rest):
			shards = append(shards, name)
		}
	}
	if len(shards) > 1 {
		return shards
	}
	for _, ext := range []string{".safetensors", ".bin"} {
		if slices.Contains(all, base+dot+ext) {
			return []string{base + dot + ext}
		}
	}
	return nil
}
