package request_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// FuzzRequest reads requests of any content. What is accepted makes options that
// the model accepts, and that a picture's file gives back.
func FuzzRequest(f *testing.F) {
	m, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{})
	require.NoError(f, err)
	f.Cleanup(func() { m.Close() })
	for _, s := range []string{
		`{"text_prompts":[{"text":"a","weight":1}],"width":64,"height":64,"steps":2,"extras":{"restart":{"min":0.1,"max":2,"steps":3,"times":2},"guidance":{"method":"apg","apg":{"eta":1},"scales":[1,2],"interval":[0,1]},"pag":{"scale":3,"layers":["mid"]},"freeu":{"b1":1.1,"b2":1.2,"s1":0.9,"s2":0.2},"cache":"deepcache:3:1"}}`,
		`{"text_prompts":[{"text":"[a:b:0.5] AND c:2"}],"seed":1,"extras":{"prompt_syntax":"a1111","clip_skip":1,"original_size":[1,2],"crop":[0,0],"eta":0.5,"s_noise":1,"order":2}}`,
		`{"text_prompts":[{"text":"a"},{"text":"b","weight":-1}],"style_preset":"anime","cfg_scale":1e400,"extras":{"cache":"first-block:0.1","sag":0.75,"guidance":{"method":"cfg++","threshold":0.99,"mimic":3,"rescale":0.5,"sigmas":[1,2]}}}`,
		`{"text_prompts":[{"text":"a"}],"init_image":"iVBORw0KGgo=","init_image_mode":"STEP_SCHEDULE","step_schedule_start":0.4,"step_schedule_end":0.01,"steps":"NaN","steps":3}`,
	} {
		f.Add([]byte(s))
	}
	most := bounded.Text
	most.Bytes *= 8 // of all that may be told at once
	f.Fuzz(func(t *testing.T, data []byte) {
		var o sdxl.Options
		var err error
		bounded.Check(t, len(data), most, func() {
			var r *request.Request
			if r, err = request.Parse(data); err != nil {
				require.Less(t, len(err.Error()), 64<<10)
				return
			}
			if o, err = (request.Options{}).Options(t.Context(), m, r); err != nil {
				require.Less(t, len(err.Error()), 64<<10)
				return
			}
			o.Warnings(m)
		})
		if err != nil {
			return
		}
		text, err := json.Marshal(o)
		require.NoError(t, err)
		var again sdxl.Options
		require.NoError(t, json.Unmarshal(text, &again), "%s", text)
		once, err := json.Marshal(again)
		require.NoError(t, err)
		require.JSONEq(t, string(text), string(once))
	})
}

// FuzzStyles reads templates of any content, and applies what is read.
func FuzzStyles(f *testing.F) {
	all, err := json.Marshal(request.DefaultStyles())
	require.NoError(f, err)
	f.Add(all, "x", true)
	f.Add([]byte(`{"a":{"prompt":"{prompt}","negative_prompt":"b"}}`), "{prompt}", false)
	f.Fuzz(func(t *testing.T, data []byte, text string, many bool) {
		bounded.Check(t, len(data), bounded.Text, func() {
			s, err := request.ReadStyles(bytes.NewReader(data))
			if err != nil {
				return
			}
			names := s.Names()
			for _, name := range names[:min(len(names), 10)] {
				o := sdxl.Options{Prompt: text}
				if many {
					o.Prompts = []sdxl.WeightedPrompt{{Text: text, Weight: 1}, {Text: text, Weight: -1}, {Text: "y"}}
				}
				require.NoError(t, s.Apply(&o, name))
				made := o.Prompt
				if many {
					made = o.Prompts[0].Text
				}
				require.Contains(t, made, text, "the text is in it")
			}
		})
	})
}

// FuzzDecodeImage decodes pictures of requests of any content.
func FuzzDecodeImage(f *testing.F) {
	img := image.NewNRGBA(image.Rect(0, 0, 9, 7))
	var p, j bytes.Buffer
	require.NoError(f, png.Encode(&p, img))
	require.NoError(f, jpeg.Encode(&j, img, nil))
	for _, s := range []string{p.String(), j.String(), "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00", "GIF89a", "BM", strings.Repeat("\xff\xd8", 9)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		size, fault := request.ImageSize(data)
		if fault == nil && size.Width*size.Height > 1<<18 {
			return // the same at more cost
		}
		most := bounded.Cost{Bytes: 4<<20 + 64<<18, BytesPerByte: 1 << 8, Time: 5 * time.Second, TimePerByte: 100 * time.Microsecond}
		bounded.Check(t, len(data), most, func() {
			img, err := request.DecodeImage(t.Context(), data)
			if err == nil {
				require.NoError(t, fault, "its header is refused, and it is decoded")
				require.Equal(t, image.Rect(0, 0, size.Width, size.Height), img.Bounds())
			}
		})
	})
}
