// Package hubcache finds models that Hugging Face's programs have downloaded to
// this machine. It never downloads.
package hubcache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// repository matches org/name, and org/name/file of a repository.
var repository = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(/[\w.-]+)*$`)

// Find returns where a model lies: the path itself if there is such a file or
// folder, or else the newest downloaded files of the repository org/name, or the
// file org/name/file of it. A name that may be a repository's and that is not in the
// cache is an error that says how to get it and wraps [fs.ErrNotExist]; so is a URL, without
// that. Any other path is returned as it is.
func Find(path string) (string, error) {
	if strings.Contains(path, "://") {
		return "", fmt.Errorf("%s is a URL; want a folder, a file, or the name of a model that was downloaded, such as org/name", path)
	}
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) || !repository.MatchString(path) {
		return path, nil
	}
	parts := strings.SplitN(path, "/", 3)
	name := parts[0] + "/" + parts[1]
	cache, err := Folder()
	if err != nil {
		return "", err
	}
	found, err := snapshot(filepath.Join(cache, "models--"+parts[0]+"--"+parts[1]))
	if errors.Is(err, fs.ErrNotExist) {
		if len(parts) == 3 || strings.EqualFold(filepath.Ext(path), ".safetensors") {
			return path, nil // more likely a mistyped path
		}
		return "", fmt.Errorf("%s: %w here, and the Hugging Face cache %s does not have it: download it with \"easel pull %s\" or \"hf download %s\"",
			path, fs.ErrNotExist, cache, name, name)
	}
	if err != nil {
		return "", fmt.Errorf("%s in the Hugging Face cache: %w", name, err)
	}
	if len(parts) < 3 {
		return found, nil
	}
	file := filepath.Join(found, filepath.FromSlash(parts[2]))
	if _, err := os.Stat(file); err != nil || !filepath.IsLocal(parts[2]) {
		return "", fmt.Errorf("%s: the Hugging Face cache has %s, but not this file of it: download it with \"easel pull %s\" or \"hf download %s %s\"", path, name, path, name, parts[2])
	}
	return file, nil
}

// Folder returns the cache's, by the rules of huggingface_hub.
func Folder() (string, error) {
	for _, from := range []struct{ variable, below string }{
		{"HF_HUB_CACHE", ""},
		{"HUGGINGFACE_HUB_CACHE", ""},
		{"HF_HOME", "hub"},
		{"XDG_CACHE_HOME", "huggingface/hub"},
	} {
		if v := os.Getenv(from.variable); v != "" {
			path, err := expand(v)
			return filepath.Join(path, filepath.FromSlash(from.below)), err
		}
	}
	return expand("~/.cache/huggingface/hub")
}

// expand replaces variables, and ~ at the start.
func expand(path string) (string, error) {
	path = os.ExpandEnv(path)
	rest, ok := strings.CutPrefix(path, "~")
	if !ok || rest != "" && !os.IsPathSeparator(rest[0]) {
		return path, nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("the Hugging Face cache: %w", err)
	}
	return filepath.Join(home, rest), nil
}

// mostRef is more than the hash of a commit.
const mostRef = 256

// snapshot returns the folder of the commit that main refers to, or, for models of
// which only a commit was asked for, the only one there is.
func snapshot(model string) (string, error) {
	ref := filepath.Join(model, "refs", "main")
	switch info, err := os.Stat(ref); {
	case errors.Is(err, fs.ErrNotExist):
		commits, err := os.ReadDir(filepath.Join(model, "snapshots"))
		if err != nil {
			return "", err
		}
		if len(commits) != 1 {
			return "", fmt.Errorf("there is no %s, and %d snapshots: give the folder of one", ref, len(commits))
		}
		return filepath.Join(model, "snapshots", commits[0].Name()), nil
	case err != nil:
		return "", err
	case info.Size() > mostRef:
		return "", fmt.Errorf("%s: %d bytes are too many for a commit", ref, info.Size())
	}
	data, err := os.ReadFile(ref)
	if err != nil {
		return "", err
	}
	commit := strings.TrimSpace(string(data))
	if commit == "" || commit == "." || filepath.Base(commit) != commit || !filepath.IsLocal(commit) {
		return "", fmt.Errorf("%s: %q is no commit", ref, commit)
	}
	found := filepath.Join(model, "snapshots", commit)
	_, err = os.Stat(found)
	return found, err
}

// Token returns the token for the hub that this machine has, by the rules of huggingface_hub, or "".
func Token() string {
	for _, variable := range []string{"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"} {
		if v := strings.TrimSpace(os.Getenv(variable)); v != "" {
			return v
		}
	}
	for _, from := range []struct{ variable, below string }{{"HF_TOKEN_PATH", ""}, {"HF_HOME", "token"}, {"XDG_CACHE_HOME", "huggingface/token"}} {
		if v := os.Getenv(from.variable); v != "" {
			path, err := expand(v)
			return tokenIn(filepath.Join(path, filepath.FromSlash(from.below)), err)
		}
	}
	return tokenIn(expand("~/.cache/huggingface/token"))
}

// mostToken is more than a token has.
const mostToken = 1 << 10

func tokenIn(path string, err error) string {
	if err != nil {
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil || len(data) > mostToken {
		return ""
	}
	return strings.TrimSpace(string(data))
}
