package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/df65613c/easel/internal/pngmeta"
)

// isPNG tells a picture from a model.
func isPNG(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(pngmeta.Signature))
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == pngmeta.Signature
}

// inspectPicture prints the texts in a PNG, whoever wrote them.
func inspectPicture(w io.Writer, path string, asJSON bool) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	texts, err := pngmeta.Decode(bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if asJSON {
		return json.NewEncoder(w).Encode(textsAsJSON(texts))
	}
	if len(texts) == 0 {
		_, err = fmt.Fprintln(w, "no texts in this picture")
	}
	for _, t := range texts {
		if _, err = fmt.Fprintf(w, "[%s]\n%s\n", t.Keyword, t.Text); err != nil {
			break
		}
	}
	return err
}

// textsAsJSON keeps texts that are JSON as they are and reads the web UI's form.
func textsAsJSON(texts []pngmeta.Text) map[string]any {
	out := make(map[string]any, len(texts))
	for _, t := range texts {
		switch {
		case json.Valid([]byte(t.Text)):
			out[t.Keyword] = json.RawMessage(t.Text)
		case t.Keyword == pngmeta.ParametersKey:
			out[t.Keyword] = pngmeta.ParseInfotext(t.Text)
		default:
			out[t.Keyword] = t.Text
		}
	}
	return out
}
