package clip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
)

// raw is a part of a configuration, decoded once its defaults are known.
type raw struct{ data json.RawMessage }

func (r *raw) UnmarshalJSON(b []byte) error {
	r.data = append(r.data[:0], b...)
	return nil
}

// into decodes the part into v, or the whole config.json if it is of one tower.
func (r *raw) into(v any, fsys fs.FS, part bool) error {
	if !part {
		return readJSON(fsys, configFile, v)
	}
	if r == nil {
		return nil // all defaults
	}
	if err := json.Unmarshal(r.data, v); err != nil {
		var field *json.UnmarshalTypeError
		if errors.As(err, &field) {
			return fmt.Errorf("%s: %s cannot be a JSON %s", configFile, field.Field, field.Value)
		}
		return fmt.Errorf("%s: %w", configFile, err)
	}
	return nil
}
