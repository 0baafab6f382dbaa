package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestPromptsOfTheCommandLine(t *testing.T) {
	dir := t.TempDir()
	draw := func(stdin string, args ...string) string {
		path := filepath.Join(dir, "x.png")
		ok(t, stdin, append([]string{"txt2img", "-m", model("a"), "--steps", "1", "--seed", "1", "--width", "64", "--height", "64", "-o", path}, args...)...)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(data)
	}
	want := draw("", "-p", "a red circle")
	require.Equal(t, want, draw("", "a red circle"))
	require.Equal(t, want, draw("a red circle\n", "-p", "-"))
	require.Equal(t, want, draw("a red circle\r\n", "-"))
	require.NotEqual(t, want, draw("", "-p", ""), "an empty prompt is one")
	for want, args := range map[string][]string{
		"no prompt: give one as an argument": {},
		"the prompt is given twice":          {"a", "-p", "b"},
		"2 arguments; usage: easel txt2img [PROMPT] -m MODEL -o FILE [flags] (quote a text that has spaces)": {"a", "red"},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"txt2img", "-m", model("a")}, args...)...)
		require.ErrorContains(t, err, want)
	}
}

func TestVersion(t *testing.T) {
	out, _ := ok(t, "", "--version")
	require.Regexp(t, `^easel version \S+\n$`, out)
}
