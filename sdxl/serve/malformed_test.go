package serve

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/df65613c/easel/sdxl/request"

	"github.com/stretchr/testify/require"
)

// wrong are values that no field takes, by what it takes.
var wrong = map[string][]string{
	"number": {`"7"`, `[]`, `{}`, `true`, `1e999`, `-1`, `1e9`, `"NaN"`},
	"whole":  {`"7"`, `[1]`, `{}`, `false`, `1.5`, `-3`, `99999999999999999999`, `1e30`, `9999999999`},
	"name":   {`7`, `[]`, `{}`, `true`, `"NO_SUCH_NAME"`, `"\u0000"`, `"' OR 1=1 --"`},
	"base64": {`7`, `{}`, `"%%%"`, `"AAAA"`, `""`, `"iVBORw0KGgo="`, `"` + strings.Repeat("QUJD", 2000) + `"`},
	"object": {`7`, `"x"`, `[]`, `{"x":1}`, `{"crop":1}`, `{"crop":[1,2,3]}`, `{"spacing":"x"}`, `{"original_size":[-1,-1]}`},
	"prompt": {`7`, `"x"`, `{}`, `[]`, `[7]`, `[{}]`, `[{"text":""}]`, `[{"text":7}]`, `[{"text":"x","weight":"1"}]`, `[{"text":"x","weight":-1}]`, `[null]`},
}

// kinds are what the fields take.
var kinds = map[string]string{
	"text_prompts": "prompt", "height": "whole", "width": "whole", "cfg_scale": "number", "steps": "whole", "seed": "whole", "samples": "whole",
	"sampler": "name", "style_preset": "name", "clip_guidance_preset": "name", "init_image": "base64", "init_image_mode": "name",
	"image_strength": "number", "step_schedule_start": "number", "step_schedule_end": "number", "extras": "object",
}

// malform returns a request with a fault, and the field that has it.
func malform(rng *rand.Rand, names []string) (body, field string) {
	fields := map[string]string{"text_prompts": `[{"text":"x"}]`, "steps": "1", "seed": "1", "width": "64", "height": "64"}
	switch rng.IntN(10) {
	case 0: // no JSON object
		whole := `{"text_prompts":[{"text":"x"}],"steps":1}`
		bad := []string{whole[:rng.IntN(len(whole))], "[" + whole + "]", whole + "}", "null", strings.Repeat("[", 1+rng.IntN(20000)), "\xff\xfe", `"x"`, `{"steps":01}`}
		return bad[rng.IntN(len(bad))], "body"
	case 1: // an unknown field
		field = fmt.Sprintf("%s_%c", names[rng.IntN(len(names))], 'a'+rng.IntN(26))
		fields[field] = "1"
	default:
		field = names[rng.IntN(len(names))]
		values := wrong[kinds[field]]
		fields[field] = values[rng.IntN(len(values))]
	}
	var parts []string
	for name, value := range fields {
		parts = append(parts, fmt.Sprintf("%q:%s", name, value))
	}
	slices.Sort(parts)
	return "{" + strings.Join(parts, ",") + "}", field
}

// TestMalformedRequests sends generated requests with one fault each: the
// answer is 400 and names the field, and the next good request is answered as ever.
func TestMalformedRequests(t *testing.T) {
	url := start(t, Options{MaxBody: 1 << 16})
	picture := want(t, body)
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 1000 {
		hostile, field := malform(rng, names)
		answer, data := call(t, url+"/predict", []byte(hostile))
		require.Equal(t, 400, answer.StatusCode, "%s: %s", hostile, data)
		var f fault
		require.NoError(t, json.Unmarshal(data, &f))
		require.NotEmpty(t, f.ID)
		named := slices.ContainsFunc(f.Violations, func(v request.Violation) bool {
			return v.Field == field || strings.HasPrefix(v.Field, field+"[") || strings.HasPrefix(v.Field, field+".")
		})
		require.True(t, named, "%s: want %s in %s", hostile, field, data)
		if i%100 == 0 {
			answer, data = call(t, url+"/predict", []byte(body))
			require.Equal(t, 200, answer.StatusCode)
			require.True(t, bytes.Equal(picture, artifact(t, data)))
		}
	}
	answer, data := call(t, url+"/predict", []byte(`{"text_prompts":[{"text":"`+strings.Repeat("x", 1<<16)+`"}]}`))
	require.Equal(t, 413, answer.StatusCode)
	require.Equal(t, []string{"body"}, violated(t, data))
}
