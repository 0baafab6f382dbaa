package request_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// TestInfotextOfAdapters: the web UI finds LoRAs as tags in the prompt, the strength in the
// text encoders first.
func TestInfotextOfAdapters(t *testing.T) {
	text := request.Infotext(&sdxl.Options{Prompt: "a house", Adapters: []sdxl.Adapter{{Name: "x"}, {Name: "y", Weight: new(0.5)}, {Name: "z", Weight: new(0.5), TextWeight: new(0.0)}}})
	first, _, _ := strings.Cut(text, "\n")
	require.Equal(t, "a house <lora:x:1:1> <lora:y:0.5:0.5> <lora:z:0:0.5>", first)
}
