package pngmeta

import (
	"encoding/json"
	"regexp"
	"strings"
)

// ParametersKey is the keyword under which AUTOMATIC1111's web UI, and what
// reads its pictures, look for an Infotext.
const ParametersKey = "parameters"

// Infotext is a picture's parameters in the text form of AUTOMATIC1111's web UI:
// the prompt, a line "Negative prompt: ...", and a line of "Name: value, ...".
type Infotext struct {
	Prompt   string  `json:"prompt"`
	Negative string  `json:"negative_prompt,omitempty"`
	Fields   []Field `json:"fields"`
}

// Field is one of an Infotext's settings.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

const negativeMark = "Negative prompt: "

// String writes the text form.
func (t Infotext) String() string {
	var b strings.Builder
	b.WriteString(t.Prompt)
	if t.Negative != "" {
		b.WriteString("\n" + negativeMark + t.Negative)
	}
	b.WriteByte('\n')
	for i, f := range t.Fields {
		if i > 0 {
			b.WriteString(", ")
		}
		value := f.Value
		if strings.ContainsAny(value, ",:\n\"") || value == "" {
			quoted, _ := json.Marshal(value) // a string always can
			value = string(quoted)
		}
		b.WriteString(f.Name + ": " + value)
	}
	return b.String()
}

// fieldPattern is a name, and a value that is quoted or has no comma.
var fieldPattern = regexp.MustCompile(`\s*(\w[\w \-/]*):\s*("(?:\\.|[^\\"])*"|[^,]*)(?:,|$)`)

// fewestFields is how many a last line must have, so that it is no part of a prompt.
const fewestFields = 3

// ParseInfotext reads the text form. A last line that is no list of fields
// belongs to the text above.
func ParseInfotext(s string) Infotext {
	var t Infotext
	lines := strings.Split(strings.TrimRight(s, "\n"), "\n")
	last := lines[len(lines)-1]
	if found := fieldPattern.FindAllStringSubmatch(last, -1); len(found) >= fewestFields {
		lines = lines[:len(lines)-1]
		for _, m := range found {
			value := m[2]
			if strings.HasPrefix(value, `"`) {
				_ = json.Unmarshal([]byte(value), &value) // else it stays as it is
			}
			t.Fields = append(t.Fields, Field{m[1], value})
		}
	}
	into, n := &t.Prompt, 0
	for _, line := range lines {
		if rest, ok := strings.CutPrefix(line, strings.TrimRight(negativeMark, " ")); ok && into == &t.Prompt {
			into, line, n = &t.Negative, strings.TrimPrefix(rest, " "), 0
		}
		if n++; n > 1 {
			*into += "\n"
		}
		*into += line
	}
	return t
}
