package sdxl

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/df65613c/easel/internal/pngmeta"
)

// pngKey is the keyword of the text in a PNG that holds its parameters as JSON.
const pngKey = "easel"

// EncodePNG writes a picture as PNG with the parameters that made it: as JSON,
// and in the text form that other programs read.
func EncodePNG(w io.Writer, img image.Image, p Parameters) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return pngmeta.Encode(w, img, []pngmeta.Text{{Keyword: pngKey, Text: string(text)}, {Keyword: pngmeta.ParametersKey, Text: p.infotext().String()}})
}

// ErrNoParameters says that a PNG was not made by EncodePNG.
var ErrNoParameters = errors.New("the picture holds no parameters of easel")

// DecodePNGParameters reads the parameters of a PNG.
func DecodePNGParameters(r io.Reader) (*Parameters, error) {
	texts, err := pngmeta.Decode(r)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(texts, func(t pngmeta.Text) bool { return t.Keyword == pngKey })
	if i < 0 {
		return nil, ErrNoParameters
	}
	p := new(Parameters)
	if err := json.Unmarshal([]byte(texts[i].Text), p); err != nil {
		return nil, fmt.Errorf("parameters in the picture: %w", err)
	}
	return p, nil
}

// Options returns what makes the picture again, but for the Image that it
// started from where Strength is not nil.
func (p *Parameters) Options() Options {
	o := Options{
		Prompt: p.Prompt, Negative: p.Negative, Prompts: p.Prompts, Prompt2: p.Prompt2, Negative2: p.Negative2,
		PromptSyntax: p.PromptSyntax, ClipSkip: p.ClipSkip, Width: p.Width, Height: p.Height, Steps: &p.Steps, CFG: &p.CFG, Seed: &p.Seed,
		Batch: &p.Batch, Sampler: p.Sampler, Schedule: p.Schedule, Spacing: p.Spacing, Sigmas: p.Sigmas, Dialect: p.Dialect, Noising: or(p.Noising, Noising{}), OriginalSize: &p.OriginalSize, TargetSize: &p.TargetSize,
		Crop: image.Pt(p.Crop[0], p.Crop[1]), NegativeOriginalSize: p.NegativeOriginalSize, NegativeTargetSize: p.NegativeTargetSize, NegativeCrop: p.NegativeCrop,
		Strength: p.Strength, SkipEnd: p.SkipEnd, Cache: p.Cache, Guidance: p.Guidance, PAG: p.PAG, SAG: p.SAG, FreeU: p.FreeU,
		Seeds: p.Seeds, Noise: p.Noise, Variation: p.Variation,
	}
	if o.Seeds != nil {
		o.Seed, o.Batch = nil, nil
	}
	return o
}

// webUISamplers are the samplers' names in AUTOMATIC1111's web UI.
var webUISamplers = map[string]string{
	"euler": "Euler", "euler_a": "Euler a", "dpmpp_2m": "DPM++ 2M", "dpmpp_2s_a": "DPM++ 2S a", "dpm_2": "DPM2", "dpm_2_a": "DPM2 a",
	"heun": "Heun", "lms": "LMS", "ddim": "DDIM", "dpmpp_sde": "DPM++ SDE", "dpmpp_2m_sde": "DPM++ 2M SDE",
	"dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun", "dpmpp_3m_sde": "DPM++ 3M SDE", "uni_pc": "UniPC",
}

// infotext returns the parameters for AUTOMATIC1111's text form, as far as that
// can say them: prompts by weight are written as emphasis.
func (p *Parameters) infotext() pngmeta.Infotext {
	t := pngmeta.Infotext{Prompt: p.Prompt, Negative: or(p.Negative, "")}
	for _, w := range p.Prompts {
		if text := fmt.Sprintf("(%s:%g)", w.Text, max(w.Weight, -w.Weight)); w.Weight < 0 {
			t.Negative = strings.TrimPrefix(t.Negative+", "+text, ", ")
		} else {
			t.Prompt = strings.TrimPrefix(t.Prompt+", "+text, ", ")
		}
	}
	add := func(name, value string) { t.Fields = append(t.Fields, pngmeta.Field{Name: name, Value: value}) }
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	sampler, ok := webUISamplers[p.Sampler]
	if !ok {
		sampler = p.Sampler
	}
	add("Steps", strconv.Itoa(p.Steps))
	add("Sampler", sampler)
	add("Schedule type", p.Schedule)
	add("CFG scale", number(p.CFG))
	add("Seed", strconv.FormatInt(p.Seed, 10))
	add("Size", Size{p.Width, p.Height}.String())
	if p.Strength != nil {
		add("Denoising strength", number(*p.Strength))
	}
	add("Version", "easel")
	return t
}
