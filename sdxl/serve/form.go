package serve

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/df65613c/easel/sdxl/request"
)

// textFields are the form fields whose values are strings; others are JSON.
var textFields = []string{"sampler", "style_preset", "clip_guidance_preset", "init_image_mode"}

// promptField matches text_prompts[0][text], as the v1 API names the fields of a form.
var promptField = regexp.MustCompile(`^text_prompts\[(\d{1,3})\]\[(text|weight)\]$`)

// parseForm reads a multipart form as a request: the same fields as JSON has.
func parseForm(r *http.Request, maxMemory int64) (*request.Request, error) {
	if err := r.ParseMultipartForm(maxMemory); err != nil {
		return nil, err
	}
	defer r.MultipartForm.RemoveAll()
	fields := make(map[string]any)
	prompts := make(map[int]map[string]any)
	for name, values := range r.MultipartForm.Value {
		value := values[len(values)-1]
		if m := promptField.FindStringSubmatch(name); m != nil {
			i, _ := strconv.Atoi(m[1]) // three digits at most
			if prompts[i] == nil {
				prompts[i] = make(map[string]any)
			}
			prompts[i][m[2]] = formValue(value, m[2] == "text")
		} else {
			fields[name] = formValue(value, slices.Contains(textFields, name))
		}
	}
	if len(prompts) > 0 {
		list := make([]any, len(prompts))
		for i, p := range prompts {
			if i >= len(list) {
				return nil, violation(fmt.Sprintf("text_prompts[%d]", i), "is given without all before it, want numbers from 0 on")
			}
			list[i] = p
		}
		fields["text_prompts"] = list
	}
	for name, files := range r.MultipartForm.File {
		f, err := files[0].Open()
		if err != nil {
			return nil, err
		}
		data, err := io.ReadAll(f)
		f.Close()
		if err != nil {
			return nil, err
		}
		fields[name] = data
	}
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, err
	}
	return request.Parse(body)
}

// formValue is a form's text as the JSON that it stands for.
func formValue(s string, text bool) any {
	if !text && json.Valid([]byte(s)) {
		return json.RawMessage(s)
	}
	return s
}
