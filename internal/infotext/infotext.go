// Package infotext reads and writes the parameters of a picture as the programs
// that make pictures keep them: AUTOMATIC1111's web UI and those that follow its
// form (Forge among them), ComfyUI, and InvokeAI.
package infotext

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// Infotext is a picture's parameters in the form of AUTOMATIC1111's web UI: the
// prompt, a line "Negative prompt: ...", and a line of "Name: value, ...".
type Infotext struct {
	Prompt   string  `json:"prompt"`
	Negative string  `json:"negative_prompt,omitempty"`
	Fields   []Field `json:"fields"`
}

// Field is one of an Infotext's settings, under the web UI's name.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Value returns the value of the last field of a name, which counts; or "".
func (t *Infotext) Value(name string) string {
	for i := len(t.Fields) - 1; i >= 0; i-- {
		if t.Fields[i].Name == name {
			return t.Fields[i].Value
		}
	}
	return ""
}

// Add adds a field, unless the value is empty.
func (t *Infotext) Add(name, value string) {
	if value != "" {
		t.Fields = append(t.Fields, Field{name, value})
	}
}

const negativeMark = "Negative prompt:"

// String writes the text form.
func (t Infotext) String() string {
	var b strings.Builder
	b.WriteString(t.Prompt)
	if t.Negative != "" {
		b.WriteString("\n" + negativeMark + " " + t.Negative)
	}
	b.WriteByte('\n')
	for i, f := range t.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(f.Name + ": " + quoted(f.Value))
	}
	return b.String()
}

// quoted puts a value in quotes if it could be taken for several fields.
func quoted(value string) string {
	if value != "" && !strings.ContainsAny(value, ",:\n\"") {
		return value
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(value) // a string always can
	return strings.TrimSuffix(b.String(), "\n")
}

// fieldPattern is a name, and a value that is quoted or has no comma. The
// classes are those of Python's \s and \w.
var fieldPattern = regexp.MustCompile(`[\t-\r\x1c-\x20\x85\p{Z}]*([\p{L}\p{N}_][\p{L}\p{N}_ \-/]+):[\t-\r\x1c-\x20\x85\p{Z}]*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)`)

// fewestFields is how many a last line must have, so that it is no part of a prompt.
const fewestFields = 3

// Parse reads the text form as the web UI does. Lines lose the space around
// them. A last line that is no list of fields belongs to the text above.
func Parse(s string) Infotext {
	var t Infotext
	lines := strings.Split(strings.TrimFunc(s, isSpace), "\n")
	last := lines[len(lines)-1]
	if found := fieldPattern.FindAllStringSubmatch(last, -1); len(found) >= fewestFields {
		lines = lines[:len(lines)-1]
		for _, m := range found {
			t.Add(m[1], unquoted(m[2]))
		}
	}
	into := &t.Prompt
	for _, line := range lines {
		line = strings.TrimFunc(line, isSpace)
		if rest, ok := strings.CutPrefix(line, negativeMark); ok {
			into, line = &t.Negative, strings.TrimFunc(rest, isSpace)
		}
		if *into != "" {
			*into += "\n"
		}
		*into += line
	}
	return t
}

// isSpace reports whether a character is white space, as Python has it.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

// unquoted returns what a value in quotes stands for. One that is no JSON stays
// as it is.
func unquoted(value string) string {
	if len(value) > 1 && strings.HasPrefix(value, `"`) && strings.HasSuffix(value, `"`) {
		_ = json.Unmarshal([]byte(value), &value)
	}
	return value
}
