package safetensors

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/df65613c/easel/internal/sniff"
)

// OpenSharded opens the files that a Hugging Face index such as
// model.safetensors.index.json names, which lie beside it. All shards must be
// there and hold the tensors that the index says. What a shard holds beyond
// that is part of the File too.
func OpenSharded(indexPath string) (*File, error) {
	shardOf, err := readIndex(indexPath)
	if err != nil {
		return nil, err
	}
	shards := slices.Compact(slices.Sorted(maps.Values(shardOf)))
	dir := filepath.Dir(indexPath)
	if err := requireAll(indexPath, dir, shards); err != nil {
		return nil, err
	}
	var sources []*source
	for _, shard := range shards {
		s, err := openSource(filepath.Join(dir, shard))
		if err != nil {
			for _, s := range sources {
				err = errors.Join(err, s.shut())
			}
			return nil, err
		}
		sources = append(sources, s)
	}
	f, err := newFile(indexPath, sources...)
	if err != nil {
		return nil, err
	}
	if err := f.checkIndex(dir, shardOf); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// readIndex returns the shard of each tensor.
func readIndex(path string) (map[string]string, error) {
	fault := func(tensor, format string, args ...any) error {
		return &FormatError{path, tensor, fmt.Sprintf(format, args...)}
	}
	fi, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	if fi.Size() > maxHeaderSize {
		return nil, fault("", "an index of %d bytes is above the limit of %d", fi.Size(), maxHeaderSize)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("safetensors: %w", err)
	}
	shardOf := map[string]string{}
	err = parseObject(text, func(d document, key string) error {
		if key != "weight_map" {
			return d.skip()
		}
		return d.object(func(name string) error {
			shard, err := d.text()
			if err != nil {
				return in(err, "weight_map "+quote(name))
			}
			if shard == "." || !filepath.IsLocal(shard) {
				return fmt.Errorf("weight_map %s: %s is no file beside the index", quote(name), quote(shard))
			}
			shardOf[name] = shard
			return nil
		})
	})
	if err = sniff.JSON(text, err); err != nil {
		return nil, fault("", "%v", err)
	}
	if len(shardOf) == 0 {
		return nil, fault("", "weight_map is missing or empty")
	}
	return shardOf, nil
}

// requireAll names the shards that are not there.
func requireAll(index, dir string, shards []string) error {
	var missing []string
	for _, shard := range shards {
		if _, err := os.Stat(filepath.Join(dir, shard)); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, quote(shard))
		}
	}
	if missing == nil {
		return nil
	}
	return fmt.Errorf("safetensors: %s: %d of %d shards are missing: %s: %w",
		index, len(missing), len(shards), strings.Join(missing, ", "), os.ErrNotExist)
}

// checkIndex compares the index with what the shards hold.
func (f *File) checkIndex(dir string, shardOf map[string]string) error {
	for _, name := range slices.Sorted(maps.Keys(shardOf)) {
		s, ok := f.home[name]
		want := filepath.Join(dir, shardOf[name])
		if !ok {
			return &FormatError{f.name, name, "is not in " + want}
		}
		if s.name != want {
			return &FormatError{f.name, name, "is in " + s.name + ", not in " + want}
		}
	}
	return nil
}
