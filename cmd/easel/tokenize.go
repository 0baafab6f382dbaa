package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sdxl"
)

// maxLine is the longest line of text that is read.
const maxLine = 64 << 20

func newTokenize() *cobra.Command {
	var model modelFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "tokenize -m MODEL",
		Short: "Turn lines of text into token ids",
		Long: `Turn texts from standard input into the token ids of both tokenizers, with the marks of start and end, neither cut nor padded.
Each line of text gives a line for each tokenizer; with --json a JSON array of texts gives {"ids_l": [[...]], "ids_g": [[...]]}.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := model.open(cmd.ErrOrStderr(), sdxl.TokenizerParts)
			if err != nil {
				return err
			}
			defer m.Close()
			if asJSON {
				return tokenizeJSON(cmd.InOrStdin(), cmd.OutOrStdout(), m)
			}
			return tokenizeLines(cmd.InOrStdin(), cmd.OutOrStdout(), m)
		},
	}
	model.add(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "read a JSON array of texts and print JSON")
	return cmd
}

func tokenizeLines(r io.Reader, w io.Writer, m *sdxl.Model) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		fmt.Fprintf(w, "ids_l %s\nids_g %s\n", join(m.TokenizerL.Encode(lines.Text())), join(m.TokenizerG.Encode(lines.Text())))
	}
	return lines.Err()
}

func join(ids []int32) string { return strings.Trim(fmt.Sprint(ids), "[]") }

func tokenizeJSON(r io.Reader, w io.Writer, m *sdxl.Model) error {
	var texts []string
	if err := json.NewDecoder(r).Decode(&texts); err != nil {
		return fmt.Errorf("standard input: want a JSON array of texts: %w", err)
	}
	out := struct {
		L [][]int32 `json:"ids_l"`
		G [][]int32 `json:"ids_g"`
	}{[][]int32{}, [][]int32{}}
	for _, text := range texts {
		out.L = append(out.L, m.TokenizerL.Encode(text))
		out.G = append(out.G, m.TokenizerG.Encode(text))
	}
	return json.NewEncoder(w).Encode(out)
}
