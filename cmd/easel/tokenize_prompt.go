package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/prompt"
)

// writeChunks prints a text as a syntax reads it: for each tokenizer its
// chunks, with the weight behind each token that has one.
func writeChunks(w io.Writer, m *sdxl.Model, s prompt.Syntax, text string) error {
	for _, side := range []struct {
		name string
		t    prompt.Tokenizer
	}{{"ids_l", m.TokenizerL}, {"ids_g", m.TokenizerG}} {
		for _, c := range s.Chunks(side.t, text) {
			words := make([]string, len(c.IDs))
			for i, id := range c.IDs {
				words[i] = fmt.Sprint(id)
				if c.Weights[i] != 1 {
					words[i] += fmt.Sprintf("(%.4g)", c.Weights[i])
				}
			}
			if _, err := fmt.Fprintln(w, side.name, strings.Join(words, " ")); err != nil {
				return err
			}
		}
	}
	return nil
}
