package prompt

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestNetworks(t *testing.T) {
	for text, want := range map[string]struct {
		rest string
		list []Network
	}{
		"a house":                                {"a house", nil},
		"a house <lora:house>":                   {"a house ", []Network{{"house", 1, 1}}},
		"<lora:x:0.5>a<lyco:y z:-1:0.25>":        {"a", []Network{{"x", 0.5, 0.5}, {"y z", -1, 0.25}}},
		"<lora:x:unet=0.5>, (<lora:y:te=0>:1.2)": {", (:1.2)", []Network{{"x", 1, 0.5}, {"y", 0, 0}}},
		"a < b > c, 1 <3":                        {"a < b > c, 1 <3", nil},
	} {
		rest, list, err := A1111.Networks(text)
		require.NoError(t, err, text)
		require.Equal(t, want.rest, rest, text)
		require.Equal(t, want.list, list, text)
		for _, s := range []Syntax{Plain, Diffusers, Comfy} {
			rest, list, err := s.Networks(text)
			require.NoError(t, err)
			require.Equal(t, text, rest)
			require.Empty(t, list)
		}
	}
	for text, fault := range map[string]string{
		"<lora:x:strong>": `<lora:x:strong>: "strong" is no number`, "<lora:x:1:2:3>": `"3" is one argument too many`,
		"<lora:x:dyn=4>": `no argument "dyn"`, "<hypernet:x:1>": "<hypernet:x:1>: easel knows", "<lora:x:NaN>": "is no number",
	} {
		_, _, err := A1111.Networks(text)
		require.ErrorContains(t, err, fault)
	}
}
