package safetensors

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// otherwise names the cases in which this package differs, and why.
var otherwise = map[string]string{
	"name twice":           "one tensor would hide another",
	"name twice, escaped":  "one tensor would hide another",
	"metadata name twice":  "one text would hide another",
	"unknown field twice":  "no writer writes it",
	"dtype as an object":   "an accident of the Rust library's parser",
	"entry an array":       "an accident of the Rust library's parser",
	"zero beside overflow": "the size is above what an int holds",
	"nested 1000 deep":     "what is not known is skipped unread",
	"number huge":          "what is not known is skipped unread",
}

// TestHeadersAsTheReference: what the Rust library takes is taken, and what it refuses is refused.
func TestHeadersAsTheReference(t *testing.T) {
	data, err := os.ReadFile("testdata/headers.json")
	require.NoError(t, err)
	var cases []struct {
		Name     string
		File     []byte
		Accepted bool
	}
	require.NoError(t, json.Unmarshal(data, &cases))
	require.NotEmpty(t, cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			_, err := OpenReaderAt(bytes.NewReader(c.File), int64(len(c.File)), c.Name)
			if _, differs := otherwise[c.Name]; differs {
				c.Accepted = !c.Accepted
			}
			if c.Accepted {
				require.NoError(t, err)
			} else {
				require.Error(t, err)
			}
		})
	}
}
