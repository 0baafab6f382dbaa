package sdxl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/df65613c/easel/internal/sniff"
)

// readJSON decodes a file of a model folder into v.
func readJSON(fsys fs.FS, name string, v any) error {
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(strictJSON(data), v); err != nil {
		var field *json.UnmarshalTypeError
		if errors.As(err, &field) {
			return fmt.Errorf("%s: %s cannot be a JSON %s", name, field.Field, field.Value)
		}
		return fmt.Errorf("%s: %w", name, sniff.JSON(data, err))
	}
	return nil
}

// strictJSON replaces the numbers that Python writes and JSON lacks, such as
// the -Infinity in many a scheduler_config.json, by null.
func strictJSON(data []byte) []byte {
	out := make([]byte, 0, len(data))
	for inString := false; len(data) > 0; {
		n := 1
		switch {
		case inString && data[0] == '\\' && len(data) > 1:
			n = 2
		case data[0] == '"':
			inString = !inString
		case !inString:
			if w := pythonNumber(data); w > 0 {
				out = append(out, "null"...)
				data = data[w:]
				continue
			}
		}
		out = append(out, data[:n]...)
		data = data[n:]
	}
	return out
}

// pythonNumber returns the length of a number at the start of data that only
// Python's JSON has, or 0.
func pythonNumber(data []byte) int {
	for _, word := range []string{"-Infinity", "Infinity", "NaN"} {
		if bytes.HasPrefix(data, []byte(word)) {
			return len(word)
		}
	}
	return 0
}
