package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/internal/infotext"
)

// pictureStart is how many bytes tell a picture from a model.
const pictureStart = 12

// isPicture tells a picture from a model.
func isPicture(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	start := make([]byte, pictureStart)
	n, _ := io.ReadFull(f, start) // a file that is shorter is none
	return imagefile.IsPicture(start[:n])
}

// inspectPicture prints the texts in a picture, and the parameters that they
// hold, whoever wrote them.
func inspectPicture(w io.Writer, path string, asJSON bool) error {
	data, err := imagefile.Read(path)
	if err != nil {
		return err
	}
	texts, err := imagefile.Texts(data)
	if err != nil {
		return fmt.Errorf("%s %w", path, err)
	}
	if asJSON {
		return json.NewEncoder(w).Encode(textsAsJSON(texts))
	}
	if len(texts) == 0 {
		_, err = fmt.Fprintln(w, "no texts in this picture")
	}
	for _, t := range texts {
		if _, err = fmt.Fprintf(w, "[%s]\n%s\n", t.Keyword, t.Text); err != nil {
			return err
		}
	}
	if read, program, ok := infotext.Read(texts); ok && program != infotext.WebUI {
		_, err = fmt.Fprintf(w, "[parameters of %s]\n%s\n", program, read)
	}
	return err
}

// textsAsJSON keeps texts that are JSON as they are, and reads the web UI's
// form. What another program's texts mean is in that form too.
func textsAsJSON(texts []imagefile.Text) map[string]any {
	out := make(map[string]any, len(texts)+1)
	for _, t := range texts {
		if json.Valid([]byte(t.Text)) {
			out[t.Keyword] = json.RawMessage(t.Text)
		} else {
			out[t.Keyword] = t.Text
		}
	}
	if read, _, ok := infotext.Read(texts); ok {
		out[imagefile.ParametersKey] = read
	}
	return out
}
