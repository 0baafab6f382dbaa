// Package prompt reads the prompt languages of Stable Diffusion's programs: the
// weights of parts of a text, texts that change from step to step, several texts
// at once, and texts longer than the text encoders take.
//
//	plain      text is taken as it is, and cut at the encoders' 77 tokens
//	diffusers  the same; see sdxl.Options.ClipSkip for where they differ
//	a1111      (a) [a] (a:1.2) BREAK [a:b:0.5] [a|b] a AND b:1.2, any length
//	comfy      (a) (a:1.2), any length
//
// A text that is not well formed is no error: brackets without a partner and
// the like are read as the program of that name reads them.
package prompt

import (
	"fmt"
	"slices"
	"strings"
)

// Syntax names a prompt language. The zero value is Plain.
type Syntax string

// The languages, by the program that reads them so.
const (
	Plain     Syntax = "plain"
	Diffusers Syntax = "diffusers"
	A1111     Syntax = "a1111" // AUTOMATIC1111's web UI, with its default settings
	Comfy     Syntax = "comfy" // ComfyUI
)

// Syntaxes lists the names of the languages.
func Syntaxes() []string {
	return []string{string(Plain), string(Diffusers), string(A1111), string(Comfy)}
}

// Named returns the language of a name; "" is Plain.
func Named(name string) (Syntax, error) {
	if name == "" {
		return Plain, nil
	}
	if !slices.Contains(Syntaxes(), name) {
		return "", fmt.Errorf("no prompt syntax %q; there are %s", name, strings.Join(Syntaxes(), ", "))
	}
	return Syntax(name), nil
}

// Span is a part of a text and its weight.
type Span struct {
	Text   string
	Weight float64
	Break  bool // ends a chunk, and has no text
}

// Spans splits a text into its parts by weight.
func (s Syntax) Spans(text string) []Span {
	switch s {
	case A1111:
		return attention(text)
	case Comfy:
		return parentheses(text)
	}
	return []Span{{Text: text, Weight: 1}}
}
