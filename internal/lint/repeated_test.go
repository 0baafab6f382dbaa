package lint

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

// repeatedLines is how many lines of code must not stand in two places.
const repeatedLines = 6

var (
	generated = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	imports   = regexp.MustCompile(`(?ms)^import \(.*?^\)`)
	word      = regexp.MustCompile(`\w`)
)

// TestNoBlockStandsTwice: six lines of code that stand in two places are a function.
// Tests and generated files may repeat themselves. So may labels of cases, which
// are tables: every backend has one row an operation.
func TestNoBlockStandsTwice(t *testing.T) {
	root := golden.Root()
	seen := make(map[string]string)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root && (strings.HasPrefix(d.Name(), ".") || nested(path)) {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		name, err := filepath.Rel(root, path)
		require.NoError(t, err)
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		if generated.Match(text) {
			return nil
		}
		code := codeLines(string(text))
		for window := range slices.Values(windows(code, repeatedLines)) {
			block := make([]string, len(window))
			for i, line := range window {
				block[i] = line.text
			}
			key, at := strings.Join(block, "\n"), fmt.Sprintf("%s:%d", name, window[0].number)
			if first, repeated := seen[key]; repeated {
				t.Errorf("%s and %s are the same for %d lines:\n%s", first, at, repeatedLines, key)
				return nil // one place a file is enough to find the rest
			}
			seen[key] = at
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, len(seen), 10000)
}

// nested reports whether a folder is a module of its own.
func nested(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

type codeLine struct {
	number int
	text   string
}

// codeLines returns the lines that do something: no comments, imports, labels of
// cases, or lines without a word.
func codeLines(text string) []codeLine {
	text = imports.ReplaceAllStringFunc(text, func(s string) string { return strings.Repeat("\n", strings.Count(s, "\n")) })
	var code []codeLine
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if word.MatchString(line) && !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "case ") && line != "default:" {
			code = append(code, codeLine{i + 1, line})
		}
	}
	return code
}

// windows returns all runs of n lines.
func windows(lines []codeLine, n int) [][]codeLine {
	var all [][]codeLine
	for i := 0; i+n <= len(lines); i++ {
		all = append(all, lines[i:i+n])
	}
	return all
}

func TestCodeLines(t *testing.T) {
	require.Equal(t, []codeLine{{1, "package p"}, {5, "func f() {"}, {8, "return 1"}},
		codeLines("package p\nimport (\n\t\"fmt\"\n)\nfunc f() {\n\t// why\n\tcase 1:\n\t\treturn 1\n}\n"))
}
