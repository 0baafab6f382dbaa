package lint

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

// documents returns the texts of the Markdown files in the repository, by path.
func documents(t *testing.T) map[string]string {
	out, err := exec.Command("git", "-C", golden.Root(), "ls-files", "*.md").Output()
	if err != nil {
		t.Skip("not a clone of the repository")
	}
	texts := make(map[string]string)
	for _, name := range strings.Fields(string(out)) {
		text, err := os.ReadFile(filepath.Join(golden.Root(), name))
		require.NoError(t, err)
		texts[name] = string(text)
	}
	return texts
}

var (
	codeSpan = regexp.MustCompile("`([\\w./*-]+)`")
	link     = regexp.MustCompile(`\]\(([^)#:]+)(?:#[\w-]+)?\)`)
	fileName = regexp.MustCompile(`^[\w*-]+\.(go|py|sh|md)$`)
)

// TestPathsInDocsAreThere: files and folders that the documentation names.
func TestPathsInDocsAreThere(t *testing.T) {
	root := golden.Root()
	top, err := os.ReadDir(root)
	require.NoError(t, err)
	var folders []string
	for _, e := range top {
		if e.IsDir() {
			folders = append(folders, e.Name())
		}
	}
	found := 0
	there := func(pattern string) bool {
		names, err := filepath.Glob(filepath.Join(root, strings.ReplaceAll(pattern, "NAME", "*")))
		return err == nil && len(names) > 0
	}
	for document, text := range documents(t) {
		if strings.HasPrefix(document, "bench/results/") {
			continue // of their day
		}
		for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
			first, _, below := strings.Cut(m[1], "/")
			switch {
			case below && slices.Contains(folders, first):
				if there(m[1]) {
					found++
				} else {
					t.Errorf("%s: there is no %s", document, m[1])
				}
			case fileName.MatchString(m[1]):
				found++
				if !slices.ContainsFunc([]string{"", "*/", "*/*/", "*/*/*/"}, func(above string) bool { return there(above + m[1]) }) {
					t.Errorf("%s: there is no %s", document, m[1])
				}
			}
		}
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if !there(path.Join(path.Dir(document), m[1])) {
				t.Errorf("%s: the link to %s leads nowhere", document, m[1])
			}
			found++
		}
	}
	require.Greater(t, found, 100)
}

var goBlock = regexp.MustCompile("(?ms)^```go\n(.*?)^```")

// TestGoInDocsCompiles: what a block declares may be unused, and a few names that
// every program has are given.
func TestGoInDocsCompiles(t *testing.T) {
	const given = `
var (
	ctx      context.Context
	w        io.Writer
	img      image.Image
	data     []byte
	model    *sdxl.Model
	backend  nn.Backend
	pipeline *sdxl.Pipeline
)

var _ = []any{ctx, w, img, data, model, backend, pipeline, errors.New, png.Encode, cpu.New, gpu.Open, clip.Open, request.Parse}
`
	var source strings.Builder
	source.WriteString("package documented\n\nimport (\n\t\"context\"\n\t\"errors\"\n\t\"image\"\n\t\"image/png\"\n\t\"io\"\n")
	for _, p := range []string{"clip", "gpu", "nn", "nn/cpu", "sdxl", "sdxl/request"} {
		fmt.Fprintf(&source, "\t%q\n", module+"/"+p)
	}
	source.WriteString(")\n" + given)
	declared := regexp.MustCompile(`(?m)^([\w, ]+) :=`)
	blocks := 0
	for document, text := range documents(t) {
		for _, m := range goBlock.FindAllStringSubmatch(text, -1) {
			fmt.Fprintf(&source, "\n// %s\nfunc _() error {\n%s", document, m[1])
			for _, d := range declared.FindAllStringSubmatch(m[1], -1) {
				for name := range strings.SplitSeq(d[1], ", ") {
					fmt.Fprintf(&source, "\t_ = %s\n", name)
				}
			}
			source.WriteString("\treturn nil\n}\n")
			blocks++
		}
	}
	require.Greater(t, blocks, 4)
	dir := t.TempDir()
	written, overlay := filepath.Join(dir, "documented.go"), filepath.Join(dir, "overlay.json")
	require.NoError(t, os.WriteFile(written, []byte(source.String()), 0o666))
	list, err := json.Marshal(map[string]any{"Replace": map[string]string{filepath.Join(golden.Root(), "internal", "lint", "documented", "documented.go"): written}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(overlay, list, 0o666))
	cmd := exec.Command("go", "build", "-overlay", overlay, "./internal/lint/documented")
	cmd.Dir = golden.Root()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s\n%s", out, source.String())
}
