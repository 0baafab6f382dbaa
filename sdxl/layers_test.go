package sdxl_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
)

// TestNumberOfLayersIsBounded: a configuration is refused before its graph is
// recorded layer by layer.
func TestNumberOfLayersIsBounded(t *testing.T) {
	for _, c := range []struct {
		part, field, want string
		most              int
	}{
		{"text_encoder", "num_hidden_layers", "want at most 1000", 1000},
		{"text_encoder_2", "num_hidden_layers", "want at most 1000", 1000},
		{"unet", "layers_per_block", "want 1 to 200", 200},
		{"unet", "transformer_layers_per_block", "want 1 to 200", 200},
		{"vae", "layers_per_block", "want 1 to 200", 200},
	} {
		for _, layers := range []int{c.most, c.most + 1, 9_000_000_000} {
			dir := t.TempDir()
			require.NoError(t, os.CopyFS(dir, os.DirFS(golden.Path("b", "model"))))
			path := filepath.Join(dir, c.part, "config.json")
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			var config map[string]any
			require.NoError(t, json.Unmarshal(data, &config))
			config[c.field] = layers
			data, err = json.Marshal(config)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, data, 0o600))
			_, err = sdxl.Open(dir, sdxl.OpenOptions{})
			if layers > c.most {
				require.ErrorContains(t, err, c.want, "%s of %s", c.field, c.part)
			} else {
				require.NotContains(t, err.Error(), c.want, "then weights are missing")
			}
		}
	}
}
