package attack

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// send posts a body once.
func (a *attacker) send(ctx context.Context, method, path, body string, headers ...string) (outcome, error) {
	r, err := a.request(ctx, method, path, strings.NewReader(body))
	if err != nil {
		return outcome{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			r.Host = headers[i+1]
		}
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := a.client.Do(r)
	if err != nil {
		return outcome{}, ctx.Err() // a cut connection is an answer too
	}
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return outcome{}, ctx.Err()
	}
	return outcome{answer.StatusCode, n}, nil
}

// body is a kind that posts one.
func body(name, path string, make func() string, headers ...string) Kind {
	return Kind{Name: name, once: true, run: func(ctx context.Context, a *attacker) (outcome, error) {
		return a.send(ctx, http.MethodPost, path, make(), headers...)
	}}
}

// predict is a kind that asks for a picture with a body.
func predict(name string, make func() string) Kind { return body(name, "/predict", make) }

// text is a kind with a prompt.
func text(name, syntax string, make func() string) Kind {
	return predict("prompt: "+name, func() string {
		return fmt.Sprintf(`{"text_prompts":[{"text":%s}],"steps":2,"seed":1,"width":64,"height":64,"extras":{"prompt_syntax":%q}}`, quote(make()), syntax)
	})
}

// field is a kind with further fields.
func field(name string, make func() string) Kind {
	return predict("field: "+name, func() string {
		return `{"text_prompts":[{"text":"a star"}],"seed":1,"width":64,"height":64,` + make() + `}`
	})
}

// extra is a kind with a field of extras, and a number of steps.
func extra(name string, steps int, make func() string) Kind {
	return field(name, func() string { return fmt.Sprintf(`"steps":%d,"extras":{%s}`, steps, make()) })
}

// quote writes a text as JSON, without a change of its bytes.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\x00", `\u0000`).Replace(s) + `"`
}

func repeat(s string, n int) func() string { return func() string { return strings.Repeat(s, n) } }

const mega = 1 << 20

// bodies are those that are no request.
func bodies() []Kind {
	return []Kind{
		predict("body: empty", repeat("", 0)),
		predict("body: cut short", repeat(`{"text_prompts":[{"text":`, 1)),
		predict("body: lists in lists", repeat("[", mega)),
		predict("body: objects in objects", repeat(`{"a":`, mega)),
		predict("body: lists in lists in a field", func() string { return `{"extras":` + strings.Repeat("[", mega) }),
		predict("body: many unknown fields", func() string {
			var b strings.Builder
			b.WriteByte('{')
			for i := range 500_000 {
				fmt.Fprintf(&b, `"f%d":1,`, i)
			}
			b.WriteString(`"z":1}`)
			return b.String()
		}),
		predict("body: thousands of unknown fields", func() string {
			var b strings.Builder
			b.WriteByte('{')
			for i := range 4000 {
				fmt.Fprintf(&b, `"f%d":1,`, i)
			}
			b.WriteString(`"z":1}`)
			return b.String()
		}),
		predict("body: unknown fields of extras", func() string {
			return `{"text_prompts":[{"text":"x"}],"extras":{` + strings.TrimSuffix(strings.Repeat(`"x":1,`, 4000), ",") + "}}"
		}),
		predict("body: a field of 10 MB", func() string { return `{"` + strings.Repeat("x", 10*mega) + `":1}` }),
		predict("body: a value of 10 MB", func() string { return `{"sampler":"` + strings.Repeat("x", 10*mega) + `"}` }),
		predict("body: one field a million times", func() string { return "{" + strings.Repeat(`"steps":1,`, mega) + `"steps":1}` }),
		predict("body: a number of 10 MB", func() string { return `{"seed":1` + strings.Repeat("0", 10*mega) + "}" }),
		predict("body: a number of a large exponent", repeat(`{"cfg_scale":1e999999999}`, 1)),
		predict("body: no UTF-8", repeat("{\"text_prompts\":[{\"text\":\"\xff\xfe\xfd\"}]}", 1)),
		predict("body: half of a surrogate", repeat(`{"text_prompts":[{"text":"\ud800"}],"steps":1,"width":64,"height":64}`, 1)),
		predict("body: UTF-16", repeat("\xff\xfe{\x00}\x00", 1)),
		predict("body: 16 MB of white space", repeat(" ", 16*mega)),
		predict("body: larger than may be", repeat(" ", 80*mega)),
		predict("body: many prompts", func() string {
			return `{"text_prompts":[` + strings.Repeat(`{"text":"x"},`, 100_000) + `{"text":"x"}]}`
		}),
		predict("body: thousands of bad prompts", func() string {
			return `{"text_prompts":[` + strings.Repeat(`{"text":"","weight":1000,"x":1},`, 1000) + `{}]}`
		}),
		body("body: gzip that was not asked for", "/predict", repeat("\x1f\x8b\x08\x00", 1), "Content-Encoding", "gzip"),
		body("embeddings: too many texts", "/v1/embeddings", func() string { return `{"input":[` + strings.Repeat(`"x",`, 5000) + `"x"]}` }),
		body("embeddings: long texts", "/v1/embeddings", func() string {
			return `{"input":["` + strings.Repeat(strings.Repeat("é", 10_000)+`","`, 63) + `x"]}`
		}),
		body("embeddings: a million tokens", "/v1/embeddings", func() string { return `{"input":[` + strings.Repeat("1,", mega) + "1]}" }),
		body("form: a thousand parts", "/predict", func() string {
			return strings.Repeat("--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n1\r\n", 5000) + "--B--"
		}, "Content-Type", "multipart/form-data; boundary=B"),
		body("form: headers of parts", "/predict", func() string {
			return "--B\r\nContent-Disposition: form-data; name=\"x\"\r\n" + strings.Repeat("X-A: b\r\n", 100_000) + "\r\n1\r\n--B--"
		}, "Content-Type", "multipart/form-data; boundary=B"),
		body("form: a name of 1 MB", "/predict", func() string {
			return "--B\r\nContent-Disposition: form-data; name=\"" + strings.Repeat("n", mega) + "\"\r\n\r\n1\r\n--B--"
		}, "Content-Type", "multipart/form-data; boundary=B"),
		body("form: no end", "/predict", repeat("--B\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n", 1), "Content-Type", "multipart/form-data; boundary=B"),
		body("form: a boundary of 1 KB", "/predict", repeat("--B", 1), "Content-Type", "multipart/form-data; boundary="+strings.Repeat("B", 1<<10)),
	}
}

// prompts are texts made to cost.
func prompts() []Kind {
	numbered := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	return []Kind{
		text("edits in edits", "a1111", func() string { return strings.Repeat("[", 20) + "a:b" + strings.Repeat(":1]", 20) }),
		text("edits in edits that are none", "a1111", func() string { return strings.Repeat("[", 40) + "(a:b:c)" + strings.Repeat(":1]", 40) }),
		text("edits 300 deep", "a1111", func() string { return strings.Repeat("[a:", 300) + strings.Repeat(":1]", 300) }),
		text("open brackets", "a1111", repeat("(", 2000)),
		text("open square brackets", "a1111", repeat("[", 2000)),
		text("brackets in brackets, of ComfyUI", "comfy", func() string { return strings.Repeat("(", 1000) + strings.Repeat(")", 1000) }),
		text("330 clauses", "a1111", repeat("a AND ", 330)),
		text("breaks", "a1111", repeat("a BREAK ", 240)),
		text("breaks and edits", "a1111", func() string { return strings.Repeat("BREAK ", 200) + numbered(69, "[a:%d:1]") }),
		text("turns", "a1111", func() string { return "[" + numbered(380, "%d|") + "x]" }),
		text("turns and breaks", "a1111", func() string { return strings.Repeat("BREAK ", 100) + "[" + numbered(200, "%d|") + "x]" }),
		text("a weight of 1e39", "a1111", repeat("(a:1e39)", 1)),
		text("a weight of many digits", "a1111", func() string { return "(a:1" + strings.Repeat("0", 1900) + ")" }),
		text("weights of weights", "a1111", func() string { return strings.Repeat("(", 90) + "a" + strings.Repeat(":9999999)", 90) }),
		text("a weight of 1e39, of ComfyUI", "comfy", repeat("(a:1e39)", 1)),
		text("a weight of -1e300, of ComfyUI", "comfy", repeat("(a:-1e300)", 1)),
		text("a clause of weight 1e39", "a1111", repeat("a AND b:1000000000000000000000000000000000000000", 1)),
		text("edits of numbers", "a1111", repeat("[a:b:1e999]", 180)),
		text("colons", "a1111", repeat(": ", 1000)),
		text("marks that combine", "plain", func() string { return "e" + strings.Repeat("\u0301", 1900) }),
		text("one word", "plain", repeat("a", 2000)),
		text("joined emoji", "plain", repeat("👩‍👩‍👧‍👦", 200)),
		text("NUL", "plain", repeat("\x00", 500)),
		predict("prompt: 32 of the longest", func() string {
			return `{"text_prompts":[` + strings.TrimSuffix(strings.Repeat(`{"text":"`+strings.Repeat("word ", 399)+`"},`, 32), ",") +
				`],"steps":1,"width":64,"height":64,"extras":{"prompt_syntax":"a1111"}}`
		}),
		predict("prompt: 32 of unlike lengths", func() string {
			var parts []string
			for i := range 32 {
				parts = append(parts, `{"text":"`+strings.Repeat("BREAK ", i*7)+`x"}`)
			}
			return `{"text_prompts":[` + strings.Join(parts, ",") + `],"steps":1,"width":64,"height":64,"extras":{"prompt_syntax":"a1111"}}`
		}),
	}
}

// numbers are values that are too large, too many, or cost too much.
func numbers() []Kind {
	list := func(value string, n int) string { return "[" + strings.Repeat(value+",", n) + value + "]" }
	return []Kind{
		extra("a restart of a million steps", 2, repeat(`"restart":{"min":0.1,"max":2,"steps":999,"times":999}`, 1)),
		field("restart with the sampler", repeat(`"steps":20,"sampler":"restart","extras":{"restart":{"min":0.1,"max":10,"steps":999,"times":999}}`, 1)),
		field("the adaptive sampler", repeat(`"steps":150,"sampler":"dpm_adaptive","extras":{"eta":1,"s_noise":10}`, 1)),
		extra("scales of guidance", 2, func() string { return `"guidance":{"scales":` + list("7", 500_000) + "}" }),
		extra("9000 scales of guidance", 2, func() string { return `"guidance":{"scales":` + list("7", 9000) + "}" }),
		extra("noise levels of guidance", 2, func() string { return `"guidance":{"scales":` + list("7", 4000) + `,"sigmas":` + list("1", 4000) + "}" }),
		extra("a scale of guidance of 1e300", 2, repeat(`"guidance":{"scales":[1e300,1e300]}`, 1)),
		extra("a scale of guidance of 1e38", 2, repeat(`"guidance":{"scales":[1e38,1e38]}`, 1)),
		extra("mimic of 1e300", 2, repeat(`"guidance":{"threshold":0.99,"mimic":1e300}`, 1)),
		extra("APG of 1e300", 2, repeat(`"guidance":{"method":"apg","apg":{"eta":1e300,"momentum":-1e300,"norm_threshold":1e-300}}`, 1)),
		extra("rescale of 1e300", 2, repeat(`"guidance":{"rescale":1e300}`, 1)),
		extra("a method of 1 MB", 2, func() string { return `"guidance":{"method":"` + strings.Repeat("x", mega) + `"}` }),
		extra("PAG of 1e300", 2, repeat(`"pag":{"scale":1e300}`, 1)),
		extra("PAG with a pattern of 10 MB", 2, func() string { return `"pag":{"scale":3,"layers":["` + strings.Repeat("(a|b)*", 10*mega/6) + `"]}` }),
		extra("PAG with a pattern that repeats", 2, repeat(`"pag":{"scale":3,"layers":["((((a{1,100}){1,100}){1,100}){1,100})"]}`, 1)),
		extra("PAG with 9000 patterns", 2, func() string { return `"pag":{"scale":3,"layers":` + list(`"mid"`, 9000) + "}" }),
		extra("FreeU of 1e300", 2, repeat(`"freeu":{"b1":1e300,"b2":1e300,"s1":1e300,"s2":1e300}`, 1)),
		extra("SAG of 1e300", 2, repeat(`"sag":1e300`, 1)),
		extra("a cache of large numbers", 2, repeat(`"cache":"deepcache:99999999999999999999:99999999999999999999"`, 1)),
		extra("a cache of 1 MB", 2, func() string { return `"cache":"deepcache:` + strings.Repeat("1", mega) + `"` }),
		extra("a cache of NaN", 2, repeat(`"cache":"first-block:NaN"`, 1)),
		extra("churn and noise", 2, repeat(`"s_churn":1000,"s_noise":10,"eta":1`, 1)),
		extra("sizes of 1e18", 2, repeat(`"original_size":[1000000000000000000,1],"crop":[-1,0]`, 1)),
		extra("a size of many numbers", 2, func() string { return `"original_size":` + list("1", 9000) }),
		extra("clip skip of 1e18", 2, repeat(`"clip_skip":1000000000000000000`, 1)),
		field("all samples of all steps at the largest size", repeat(`"steps":151,"samples":11,"width":16384,"height":16384`, 1)),
		predict("field: a size that overflows", repeat(`{"text_prompts":[{"text":"x"}],"width":9223372036854775807,"height":64}`, 1)),
		predict("field: one row of pixels", repeat(`{"text_prompts":[{"text":"x"}],"width":64,"height":65536,"steps":1}`, 1)),
		body("preview of every step", "/predict?preview=1", func() string {
			return `{"text_prompts":[{"text":"x"}],"steps":150,"samples":10,"cfg_scale":0,"width":64,"height":64}`
		}, "Accept", "text/event-stream"),
		body("preview of a large number", "/predict?preview=99999999999999999999", repeat(goodRequest, 1), "Accept", "text/event-stream"),
		body("preview of 60 KB", "/predict?preview="+strings.Repeat("1", 60_000), repeat(goodRequest, 1), "Accept", "text/event-stream"),
	}
}

// pictures are initial pictures that cost more than their bytes; an eighth of
// n of them come at once.
func pictures(n int) []Kind {
	picture := func(name string, make func() []byte) Kind {
		return predict("picture: "+name, func() string {
			return `{"text_prompts":[{"text":"x"}],"steps":2,"seed":1,"width":64,"height":64,"init_image":"` + base64.StdEncoding.EncodeToString(make()) + `"}`
		})
	}
	return []Kind{
		picture("none", func() []byte { return []byte("no picture") }),
		predict("picture: no base64", repeat(`{"text_prompts":[{"text":"x"}],"init_image":"%%%%"}`, 1)),
		picture("PNG of a large size", func() []byte { return largePNG(60_000) }),
		picture("PNG of zeros", func() []byte { return flatPNG(2048, 2048) }),
		picture("PNG of zeros, interlaced", func() []byte { return interlaced(flatPNG(2048, 2048)) }),
		picture("PNG with a large text", func() []byte { return textPNG(20 * mega) }),
		picture("PNG with many chunks", func() []byte { return chunksPNG(100_000) }),
		picture("PNG cut short", func() []byte { return flatPNG(2048, 2048)[:2000] }),
		picture("JPEG of thousands of scans", func() []byte { return scansJPEG(2048, 1536, 1500) }),
		picture("JPEG of a few hundred scans", func() []byte { return scansJPEG(4096, 1024, 300) }),
		picture("JPEG of a large size", func() []byte { return scansJPEG(65_500, 65_500, 1) }),
		picture("WebP of a large size", func() []byte { return largeWebP() }),
		picture("GIF of many pictures", func() []byte { return framesGIF(1024, 1024, 2000) }),
		{Name: "picture: many of 16 bits at once", run: func(ctx context.Context, a *attacker) (outcome, error) {
			request := `{"text_prompts":[{"text":"x"}],"steps":1,"cfg_scale":0,"seed":1,"width":64,"height":64,"image_strength":0.1,"init_image":"` +
				base64.StdEncoding.EncodeToString(deepPNG(2048, 2048)) + `"}`
			return a.many(ctx, max(2, n/8), func(ctx context.Context) (outcome, error) { return a.send(ctx, http.MethodPost, "/predict", request) })
		}},
	}
}
