package infotext

import (
	"encoding/json"
	"slices"

	"github.com/df65613c/easel/internal/imagefile"
)

// The programs whose form Read reads.
const (
	WebUI    = "AUTOMATIC1111" // and those that follow it
	ComfyUI  = "ComfyUI"
	InvokeAI = "InvokeAI"
)

// Read returns the parameters among the texts of a picture, and whose form they
// have; or false.
func Read(texts []imagefile.Text) (t Infotext, program string, ok bool) {
	for _, reader := range []struct {
		keyword, program string
		read             func(text string) (Infotext, bool)
	}{
		{imagefile.ParametersKey, WebUI, func(s string) (Infotext, bool) { return Parse(s), s != "" }},
		{"prompt", ComfyUI, comfyPrompt},
		{"workflow", ComfyUI, comfyWorkflow},
		{"invokeai_metadata", InvokeAI, invoke},
		{"sd-metadata", InvokeAI, invokeOlder},
	} {
		i := slices.IndexFunc(texts, func(t imagefile.Text) bool { return t.Keyword == reader.keyword })
		if i < 0 {
			continue
		}
		if t, ok := reader.read(texts[i].Text); ok {
			return t, reader.program, true
		}
	}
	return Infotext{}, "", false
}

// text returns a JSON value as a text: that of a string, or a number as written.
func text(v json.RawMessage) string {
	var s string
	if json.Unmarshal(v, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(v, &n) == nil {
		return n.String()
	}
	return ""
}
