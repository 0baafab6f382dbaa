package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/prompt"
)

// maxLine is the longest line of text that is read.
const maxLine = 64 << 20

func newTokenize() *cobra.Command {
	var model modelFlags
	var asJSON bool
	var syntaxName string
	cmd := &cobra.Command{
		Use:   "tokenize -m MODEL",
		Short: "Turn lines of text into token ids",
		Long: `Turn texts from standard input into the token ids of both tokenizers, with start and end tokens,
neither cut nor padded. Each line of text gives a line for each tokenizer; with --json a JSON array
of texts gives {"ids_l": [[...]], "ids_g": [[...]]}. With --prompt-syntax the lines are the chunks
of 77 tokens that the text encoders take, with the weights that are not 1.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			m, err := model.open(cmd.ErrOrStderr(), sdxl.TokenizerParts)
			if err != nil {
				return err
			}
			defer m.Close()
			if cmd.Flags().Changed("prompt-syntax") {
				syntax, err := prompt.Named(syntaxName)
				if err != nil {
					return err
				}
				return eachLine(cmd.InOrStdin(), func(line string) error { return writeChunks(cmd.OutOrStdout(), m, syntax, line) })
			}
			if asJSON {
				return tokenizeJSON(cmd.InOrStdin(), cmd.OutOrStdout(), m)
			}
			return eachLine(cmd.InOrStdin(), func(line string) error {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "ids_l %s\nids_g %s\n", join(m.TokenizerL.Encode(line)),
					join(m.TokenizerG.Encode(line)))
				return err
			})
		},
	}
	model.add(cmd)
	cmd.Flags().StringVar(&syntaxName, "prompt-syntax", "",
		"show the chunks of a prompt syntax: "+strings.Join(prompt.Syntaxes(), ", "))
	cmd.Flags().BoolVar(&asJSON, "json", false, "read a JSON array of texts and print JSON")
	cmd.MarkFlagsMutuallyExclusive("prompt-syntax", "json")
	return cmd
}

// eachLine calls f with each line of text.
func eachLine(r io.Reader, f func(line string) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		if err := f(lines.Text()); err != nil {
			return err
		}
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
