package infotext

import (
	"encoding/json"
	"strings"
)

// invoke reads the metadata of InvokeAI since version 3.
func invoke(s string) (t Infotext, ok bool) {
	var m struct {
		Prompt    *string         `json:"positive_prompt"`
		Negative  string          `json:"negative_prompt"`
		Style     string          `json:"positive_style_prompt"`
		NegStyle  string          `json:"negative_style_prompt"`
		Width     json.RawMessage `json:"width"`
		Height    json.RawMessage `json:"height"`
		Seed      json.RawMessage `json:"seed"`
		CFG       json.RawMessage `json:"cfg_scale"`
		Steps     json.RawMessage `json:"steps"`
		Scheduler string          `json:"scheduler"`
		ClipSkip  json.RawMessage `json:"clip_skip"`
		Strength  json.RawMessage `json:"strength"`
		Version   string          `json:"app_version"`
		Model     json.RawMessage `json:"model"`
	}
	var model struct {
		Name  string `json:"name"`
		Older string `json:"model_name"`
	}
	if json.Unmarshal([]byte(s), &m) != nil || m.Prompt == nil {
		return t, false
	}
	_ = json.Unmarshal(m.Model, &model) // else it has no name
	t.Prompt, t.Negative = *m.Prompt, m.Negative
	t.Add("Steps", text(m.Steps))
	t.Add("Sampler", m.Scheduler)
	t.Add("CFG scale", text(m.CFG))
	t.Add("Seed", text(m.Seed))
	t.Add("Size", size(text(m.Width), text(m.Height)))
	t.Add("Model", model.Name+model.Older)
	t.Add("Denoising strength", text(m.Strength))
	if skip := text(m.ClipSkip); skip != "0" {
		t.Add("Clip skip", skip)
	}
	t.Add("Style prompt", m.Style)
	t.Add("Negative style prompt", m.NegStyle)
	t.Add("Version", strings.TrimSpace("InvokeAI "+m.Version))
	return t, true
}

// invokeOlder reads the metadata of InvokeAI 2.
func invokeOlder(s string) (t Infotext, ok bool) {
	var m struct {
		Model string `json:"model_weights"`
		Image *struct {
			Prompt  json.RawMessage `json:"prompt"`
			Steps   json.RawMessage `json:"steps"`
			CFG     json.RawMessage `json:"cfg_scale"`
			Seed    json.RawMessage `json:"seed"`
			Width   json.RawMessage `json:"width"`
			Height  json.RawMessage `json:"height"`
			Sampler string          `json:"sampler"`
		} `json:"image"`
	}
	if json.Unmarshal([]byte(s), &m) != nil || m.Image == nil {
		return t, false
	}
	var parts []struct {
		Prompt string `json:"prompt"`
	}
	prompt := text(m.Image.Prompt)
	if json.Unmarshal(m.Image.Prompt, &parts) == nil && len(parts) > 0 {
		prompt = parts[0].Prompt
	}
	t.Prompt, t.Negative = bracketed(prompt)
	t.Add("Steps", text(m.Image.Steps))
	t.Add("Sampler", m.Image.Sampler)
	t.Add("CFG scale", text(m.Image.CFG))
	t.Add("Seed", text(m.Image.Seed))
	t.Add("Size", size(text(m.Image.Width), text(m.Image.Height)))
	t.Add("Model", m.Model)
	return t, true
}

// bracketed takes the parts in square brackets out of a prompt: InvokeAI 2 has
// the negative prompt there.
func bracketed(s string) (prompt, negative string) {
	for {
		before, rest, open := strings.Cut(s, "[")
		inside, after, closed := strings.Cut(rest, "]")
		if !open || !closed {
			return strings.TrimSpace(prompt + s), negative
		}
		prompt, negative, s = prompt+before, strings.TrimSpace(negative+" "+inside), after
	}
}

// size returns the web UI's form of a size, if both sides are known.
func size(w, h string) string {
	if w == "" || h == "" {
		return ""
	}
	return w + "x" + h
}
