package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// TestHelp: the help of every command fits a terminal of 110 columns, repeats no
// word, and shows no empty default.
func TestHelp(t *testing.T) {
	word := regexp.MustCompile(`[a-z]+`)
	var visit func(*cobra.Command)
	commands := 0
	visit = func(cmd *cobra.Command) {
		commands++
		var out bytes.Buffer
		root := newRoot()
		root.SetOut(&out)
		root.SetArgs(append(strings.Fields(cmd.CommandPath())[1:], "--help"))
		require.NoError(t, root.Execute())
		help := out.String()
		for line := range strings.Lines(help) {
			if strings.Contains(line, "  easel ") { // to be copied: it may be long
				continue
			}
			require.LessOrEqual(t, utf8.RuneCountInString(line), 110, "%s: %s", cmd.CommandPath(), line)
			words, between := word.FindAllString(line, -1), word.Split(line, -1)
			for i := 1; i < len(words); i++ {
				require.False(t, words[i] == words[i-1] && between[i] == " ", "%s: %s", cmd.CommandPath(), line)
			}
		}
		require.NotContains(t, help, "(default )", cmd.CommandPath())
		require.NotContains(t, help, "(default [])", cmd.CommandPath())
		for _, c := range cmd.Commands() {
			visit(c)
		}
	}
	visit(newRoot())
	require.Greater(t, commands, 20)
}
