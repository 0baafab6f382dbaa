package adapt

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Info is what an adapter says of itself.
type Info struct {
	Name     string   `json:"name"`
	Base     string   `json:"base,omitempty"`    // the model that it was trained on
	Trained  string   `json:"trained,omitempty"` // the program's name for the method
	Title    string   `json:"title,omitempty"`
	Trigger  string   `json:"trigger,omitempty"` // words to say
	Tags     []string `json:"tags,omitempty"`    // those seen most often in training
	Family   string   `json:"family,omitempty"`  // of another family of models than Stable Diffusion XL
	Inverted []string `json:"embeddings,omitempty"`
	Modules  int      `json:"modules"`
	Kinds    []Kind   `json:"kinds,omitempty"`
	Places   []Place  `json:"places,omitempty"`
	Unused   []string `json:"unused,omitempty"`
}

// Kind counts the modules of a file that are changed in one way.
type Kind struct {
	Component string  `json:"component"`
	Kind      string  `json:"kind"`
	Rank      int     `json:"rank,omitempty"`
	Alpha     float64 `json:"alpha,omitempty"`
	Modules   int     `json:"modules"`
}

// tagsShown is how many of the training's tags Info has.
const tagsShown = 12

// Info returns what the file's metadata say.
func (f *File) Info() Info {
	meta := f.source.Metadata()
	i := Info{
		Name: f.Name, Modules: len(f.modules), Family: f.family(),
		Base:    cmp.Or(meta["modelspec.architecture"], meta["ss_base_model_version"], meta["ss_sd_model_name"]),
		Trained: meta["ss_network_module"], Title: cmp.Or(meta["modelspec.title"], meta["ss_output_name"]),
		Trigger: cmp.Or(meta["modelspec.trigger_phrase"], meta["modelspec.trigger_word"], meta["ss_trigger_words"]),
		Tags:    topTags(meta["ss_tag_frequency"]), Inverted: slices.Sorted(maps.Keys(f.bundled)),
	}
	return i
}

// Info returns what the file's metadata say, and what it does to the model.
func (fit *Fitted) Info() Info {
	i := fit.File.Info()
	i.Places, i.Unused = fit.Places, fit.Unused
	for _, p := range fit.Places {
		k := Kind{p.Component, p.Kind, p.Rank, p.Alpha, 0}
		at := slices.IndexFunc(i.Kinds, func(have Kind) bool { have.Modules = 0; return have == k })
		if at < 0 {
			at = len(i.Kinds)
			i.Kinds = append(i.Kinds, k)
		}
		i.Kinds[at].Modules++
	}
	slices.SortStableFunc(i.Kinds,
		func(a, b Kind) int { return cmp.Or(strings.Compare(b.Component, a.Component), b.Modules-a.Modules) })
	return i
}

// topTags returns the tags that trainings of sd-scripts saw most often.
func topTags(text string) []string {
	var folders map[string]map[string]float64
	if json.Unmarshal([]byte(text), &folders) != nil {
		return nil
	}
	counts := make(map[string]float64)
	for _, tags := range folders {
		for tag, n := range tags {
			counts[strings.TrimSpace(tag)] += n
		}
	}
	list := slices.SortedFunc(maps.Keys(counts),
		func(a, b string) int { return cmp.Or(cmp.Compare(counts[b], counts[a]), strings.Compare(a, b)) })
	return list[:min(len(list), tagsShown)]
}

// String describes a kind for people.
func (k Kind) String() string {
	s := fmt.Sprintf("%d modules of %s: %s", k.Modules, k.Component, k.Kind)
	if k.Rank > 0 {
		s += fmt.Sprintf(", rank %d, alpha %g", k.Rank, k.Alpha)
	}
	return s
}
