package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
)

// documented returns the commands of easel in the blocks of the documentation, as
// their arguments, by where they stand.
func documented(t *testing.T) map[string][]string {
	root := golden.Root()
	files, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	require.NoError(t, err)
	block := regexp.MustCompile(`(?m)^    (?:go run \./cmd/easel|easel) (.*)$`)
	commands := make(map[string][]string)
	for _, f := range append(files, filepath.Join(root, "README.md")) {
		text, err := os.ReadFile(f)
		require.NoError(t, err)
		for _, m := range block.FindAllStringSubmatch(string(text), -1) {
			args, ok := words(m[1])
			require.True(t, ok, "%s: %s", f, m[1])
			commands[filepath.Base(f)+": "+m[1]] = args
		}
	}
	return commands
}

// words splits a line as a shell does: quotes, a comment, and redirections, which
// are left out.
func words(line string) (args []string, ok bool) {
	var word strings.Builder
	var quote rune
	begun := false
	end := func() {
		if begun {
			args = append(args, word.String())
		}
		word.Reset()
		begun = false
	}
	for _, c := range line {
		switch {
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(c)
		case c == '"' || c == '\'':
			quote, begun = c, true
		case c == ' ':
			end()
		case c == '#' && !begun, c == '<', c == '>', c == '|':
			end()
			return args, true
		default:
			word.WriteRune(c)
			begun = true
		}
	}
	end()
	return args, quote == 0
}

// TestDocumentedCommandsAreThere: each names a command and flags that there are,
// with values that they take.
func TestDocumentedCommandsAreThere(t *testing.T) {
	commands := documented(t)
	require.Greater(t, len(commands), 10)
	for where, args := range commands {
		cmd, rest, err := newRoot().Find(args)
		require.NoError(t, err, where)
		require.NotEqual(t, "easel", cmd.Name(), where)
		require.NoError(t, cmd.ParseFlags(rest), where)
		if cmd.Args != nil {
			require.NoError(t, cmd.Args(cmd, cmd.Flags().Args()), where)
		}
	}
}

// TestFirstCommandOfTheReadme draws the picture that stands above it.
func TestFirstCommandOfTheReadme(t *testing.T) {
	if testing.Short() {
		t.Skip("draws at full length; .ci/run runs it without -short")
	}
	readme, err := os.ReadFile(filepath.Join(golden.Root(), "README.md"))
	require.NoError(t, err)
	lines := regexp.MustCompile(`(?m)^    (.*)$`).FindAllStringSubmatch(string(readme), 2)
	first, found := strings.CutPrefix(lines[0][1], "go run ./cmd/easel ")
	require.True(t, found, lines[0][1])
	require.Equal(t, "go test ./...", lines[1][1])
	args, _ := words(first)
	at := len(args) - 1
	require.Equal(t, "first.png", args[at])
	args[at] = filepath.Join(t.TempDir(), "first.png")
	ok(t, "", args...)
	got, err := os.ReadFile(args[at])
	require.NoError(t, err)
	want, err := os.ReadFile(filepath.Join(golden.Root(), "docs", "img", "first.png"))
	require.NoError(t, err)
	require.LessOrEqual(t, difference(t, got, want), 2, "levels of 255")
}

// difference returns the largest difference of two PNGs in any sample.
func difference(t *testing.T, a, b []byte) int {
	read := func(data []byte) []byte {
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		return pixelsOf(img)
	}
	x, y := read(a), read(b)
	require.Equal(t, len(x), len(y))
	most := 0
	for i := range x {
		most = max(most, int(x[i])-int(y[i]), int(y[i])-int(x[i]))
	}
	return most
}
