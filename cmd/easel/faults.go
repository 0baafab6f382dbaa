package main

import (
	"errors"
	"regexp"
	"strings"

	"github.com/df65613c/easel/sdxl"
)

// packagePrefix is the name of a package that begins its errors, for programs
// that import it. It means nothing to a user of the command.
var packagePrefix = regexp.MustCompile(`(^|: )(sched|sdxl|nn|cpu|tensor|safetensors|clip|checkpoint|guidance|lab|gpu|prompt|quantised|program|pickle|gguf|adapt|tokenizer|unet|vae|imagefile): `)

// flagNames are the flags of options whose names differ by more than dashes.
var flagNames = map[string]string{
	"cfg_scale": "cfg", "negative_prompt": "negative", "prompt_2": "prompt-2", "negative_prompt_2": "negative-2",
	"prompts": "weighted", "pag": "pag-scale",
	"variation.strength": "variation-strength",
}

// faultMessage is an error as the command shows it: in one line, so that a log
// shows the whole fault, with flags in place of the options' names.
func faultMessage(err error) string {
	var fields sdxl.FieldErrors
	var field *sdxl.FieldError
	if errors.As(err, &field) {
		fields = sdxl.FieldErrors{*field}
	}
	if field != nil || errors.As(err, &fields) {
		lines := make([]string, len(fields))
		for i, f := range fields {
			lines[i] = flagOf(f.Field) + " " + f.Message
		}
		return strings.Join(lines, "; ")
	}
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = packagePrefix.ReplaceAllString(line, "$1")
	}
	return strings.Join(lines, "; ")
}

// flagOf names an option as its flag, where it has one.
func flagOf(field string) string {
	name, _, _ := strings.Cut(field, "[")
	if other := flagNames[name]; other != "" {
		name = other
	}
	name = strings.ReplaceAll(name, "_", "-")
	if newImg2Img().Flags().Lookup(name) == nil {
		return field
	}
	return "--" + name
}
