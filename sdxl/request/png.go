package request

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/internal/infotext"
	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl"
)

// ParametersKey is the keyword of the text in a picture's file that holds its
// parameters as JSON. InfotextKey is that of what Infotext returns.
const (
	ParametersKey = "easel"
	InfotextKey   = imagefile.ParametersKey
)

// EncodePNG writes a picture as PNG with the parameters that made it: as JSON,
// and in the text form that other programs read.
func EncodePNG(w io.Writer, img image.Image, p sdxl.Options) error {
	text, err := json.Marshal(p)
	if err != nil {
		return err
	}
	return imagefile.EncodePNG(w, img,
		[]imagefile.Text{{Keyword: ParametersKey, Text: string(text)}, {Keyword: InfotextKey, Text: Infotext(&p)}})
}

// ErrNoParameters says that a picture holds no parameters that easel wrote.
var ErrNoParameters = errors.New("the picture holds no parameters of easel")

// DecodeParameters reads the parameters in the file of a picture: a PNG, JPEG or WebP.
func DecodeParameters(r io.Reader) (*sdxl.Options, error) {
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	texts, err := imagefile.Texts(data)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(texts, func(t imagefile.Text) bool { return t.Keyword == ParametersKey })
	if i < 0 {
		return nil, ErrNoParameters
	}
	p := new(sdxl.Options)
	if err := json.Unmarshal([]byte(texts[i].Text), p); err != nil {
		return nil, fmt.Errorf("parameters in the picture: %w", err)
	}
	return p, readOlder([]byte(texts[i].Text), p)
}

// readOlder reads what files of earlier versions have under other names.
func readOlder(text []byte, o *sdxl.Options) error {
	var older struct {
		Noising *struct {
			sdxl.Noising
			Churn *sched.Churn `json:"churn"`
		} `json:"noising"`
	}
	if err := json.Unmarshal(text, &older); err != nil {
		return fmt.Errorf("parameters in the picture: %w", err)
	}
	if older.Noising != nil {
		o.Noising = older.Noising.Noising
		o.Churn = older.Noising.Churn
	}
	if o.Seeds != nil && o.Index == nil {
		o.Seed, o.Batch = nil, nil
	}
	if o.Sigmas != nil {
		o.Steps = nil
	}
	return nil
}

// webUISamplers are the samplers' names in AUTOMATIC1111's web UI.
var webUISamplers = map[string]string{
	"euler": "Euler", "euler_a": "Euler a", "dpmpp_2m": "DPM++ 2M", "dpmpp_2s_a": "DPM++ 2S a", "dpm_2": "DPM2", "dpm_2_a": "DPM2 a",
	"heun": "Heun", "lms": "LMS", "ddim": "DDIM", "dpmpp_sde": "DPM++ SDE", "dpmpp_2m_sde": "DPM++ 2M SDE",
	"dpmpp_2m_sde_heun": "DPM++ 2M SDE Heun", "dpmpp_3m_sde": "DPM++ 3M SDE", "uni_pc": "UniPC",
	"dpm_fast": "DPM fast", "dpm_adaptive": "DPM adaptive", "restart": "Restart", "lcm": "LCM", "plms": "PLMS",
}

// webUISchedules are the schedules' names there.
var webUISchedules = map[string]string{
	"normal": "Normal", "karras": "Karras", "exponential": "Exponential", "polyexponential": "Polyexponential", "simple": "Simple",
	"sgm_uniform": "SGM Uniform", "ddim_uniform": "DDIM", "beta": "Beta", "kl_optimal": "KL Optimal",
	"align_your_steps": "Align Your Steps", "align_your_steps_32": "Align Your Steps 32",
	"align_your_steps_gits": "Align Your Steps GITS", "turbo": "Turbo",
}

// Infotext returns the parameters in the text form of AUTOMATIC1111's web UI, as far as
// that can say them: prompts by weight are written as emphasis.
func Infotext(p *sdxl.Options) string {
	t := infotext.Infotext{Prompt: p.Prompt, Negative: ptr.Or(p.Negative, "")}
	for _, w := range p.Prompts {
		if text := fmt.Sprintf("(%s:%g)", w.Text, max(w.Weight, -w.Weight)); w.Weight < 0 {
			t.Negative = strings.TrimPrefix(t.Negative+", "+text, ", ")
		} else {
			t.Prompt = strings.TrimPrefix(t.Prompt+", "+text, ", ")
		}
	}
	for _, a := range p.Adapters { // whose blocks cannot be said there
		unet := ptr.Or(a.Weight, 1)
		t.Prompt += fmt.Sprintf(" <lora:%s:%g:%g>", a.Name, ptr.Or(a.TextWeight, unet), unet)
	}
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	label := func(labels map[string]string, name string) string {
		if l, ok := labels[name]; ok {
			return l
		}
		return name
	}
	seed, batch := ptr.Or(p.Seed, 0), ptr.Or(p.Batch, 1)
	if len(p.Seeds) > 0 {
		seed, batch = p.Seeds[min(max(ptr.Or(p.Index, 0), 0), len(p.Seeds)-1)], len(p.Seeds)
	}
	t.Add("Steps", strconv.Itoa(ptr.Or(p.Steps, len(p.Sigmas)-1)))
	t.Add("Sampler", label(webUISamplers, p.Sampler))
	t.Add("Schedule type", label(webUISchedules, p.Schedule))
	t.Add("CFG scale", number(ptr.Or(p.CFG, 0)))
	t.Add("Seed", strconv.FormatInt(seed, 10))
	t.Add("Size", sdxl.Size{Width: p.Width, Height: p.Height}.String())
	if p.Strength != nil {
		t.Add("Denoising strength", number(*p.Strength))
	}
	if p.ENSD != 0 {
		t.Add("ENSD", strconv.FormatInt(p.ENSD, 10))
	}
	if p.Index != nil {
		t.Add("Batch size", strconv.Itoa(batch))
		t.Add("Batch pos", strconv.Itoa(*p.Index))
	}
	t.Add("Version", "easel")
	return t.String()
}
