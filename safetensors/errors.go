package safetensors

import "strings"

// FormatError says what is wrong with the content of a file.
type FormatError struct {
	File   string // as it was opened
	Tensor string // "" if the fault is in no single tensor
	Fault  string
}

func (e *FormatError) Error() string {
	var b strings.Builder
	b.WriteString("safetensors: " + e.File + ": ")
	if e.Tensor != "" {
		b.WriteString("tensor " + quote(e.Tensor) + ": ")
	}
	b.WriteString(e.Fault)
	return b.String()
}
