package clip

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/df65613c/easel/internal/sniff"
)

// maxConfig bounds what is read of a configuration.
const maxConfig = 16 << 20

// readJSON decodes a file of a model's folder into v.
func readJSON(fsys fs.FS, name string, v any) error {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return err
	}
	if info.Size() > maxConfig {
		return fmt.Errorf("%s: %d bytes, a configuration has at most %d", name, info.Size(), maxConfig)
	}
	data, err := fs.ReadFile(fsys, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		var field *json.UnmarshalTypeError
		if errors.As(err, &field) {
			return fmt.Errorf("%s: %s cannot be a JSON %s", name, field.Field, field.Value)
		}
		return fmt.Errorf("%s: %w", name, sniff.JSON(data, err))
	}
	return nil
}
