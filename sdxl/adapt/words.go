package adapt

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
)

// Words finds textual inversions for prompts: those in a folder and the folders
// below it, and files that were added. It is safe for concurrent use. The zero
// value is empty.
type Words struct {
	Dir string // "" is none

	mu    sync.Mutex
	added map[string]string // paths by name
}

// Add gives it a file outside its folder, which is looked for in every prompt by its
// token, too.
func (w *Words) Add(path string) error {
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("embedding: %w", err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.added == nil {
		w.added = make(map[string]string)
	}
	name := embeddingName(path)
	if have, ok := w.added[name]; ok && have != path {
		return fmt.Errorf("embeddings %s and %s have the same name", have, path)
	}
	w.added[name] = path
	return nil
}

// maxWords bounds the inversions of one picture.
const maxWords = 64

// In reads the inversions that texts may have: all that were added, and those of the
// folder whose names are in one of the texts.
func (w *Words) In(texts []string, widthL, widthG int) (list []*Embedding, err error) {
	if w == nil {
		return nil, nil
	}
	w.mu.Lock()
	added := maps.Clone(w.added)
	w.mu.Unlock()
	paths, err := scan(w.Dir, embeddingName, embeddingExtensions...)
	if err != nil {
		return nil, fmt.Errorf("embeddings: %w", err)
	}
	maps.DeleteFunc(paths, func(name, _ string) bool {
		return !slices.ContainsFunc(texts,
			func(text string) bool { return strings.Contains(strings.ToLower(text), strings.ToLower(name)) })
	})
	maps.Copy(paths, added)
	if len(paths) > maxWords {
		return nil, fmt.Errorf("the texts may have %d embeddings, want at most %d", len(paths), maxWords)
	}
	for _, name := range slices.Sorted(maps.Keys(paths)) {
		e, err := OpenEmbedding(paths[name], widthL, widthG)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}
