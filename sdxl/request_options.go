package sdxl

import (
	"fmt"
	"image"
	"slices"
	"strings"

	"github.com/df65613c/easel/sched"
)

// Options returns what the request asks of a model, with the seed drawn where
// it is open. Its error is a *RequestError.
func (po PredictOptions) Options(m *Model, r *Request) (Options, error) {
	if err := po.Check(r); err != nil {
		return Options{}, err
	}
	l := po.Limits.filled()
	o := Options{
		Width: or(r.Width, 0), Height: or(r.Height, 0), Sampler: r.Sampler,
		Steps: new(or(r.Steps, defaultRequestSteps)), CFG: new(r.cfgScale()), Seed: new(or(r.Seed, 0)),
	}
	for *o.Seed == 0 {
		o.Seed = new(sched.RandomSeed())
	}
	r.prompts(&o)
	var e RequestError
	if r.Extras != nil {
		r.Extras.apply(&o)
	}
	if r.StylePreset != "" {
		if err := po.styles().Apply(&o, r.StylePreset); err != nil {
			return Options{}, err
		}
	}
	if r.InitImage != nil {
		img, err := decodeImage(r.InitImage, l.Pixels)
		if err != nil {
			return Options{}, err
		}
		strength, _ := r.strength()
		o.Image, o.Strength, o.SkipEnd = img, &strength, or(r.StepScheduleEnd, 0)
	}
	deepest := min(m.TextL.Config.Layers, m.TextG.Config.Layers) - 1
	e.want(o.ClipSkip <= deepest, "extras.clip_skip", "is %d, want 0 to %d for this model", o.ClipSkip, deepest)
	one := o.Prompts == nil || o.Prompt2 == nil && o.Negative2 == nil
	e.want(one, "extras.prompt_2", "is given beside several text_prompts, want one above 0, and one below at most")
	w, h := o.size(m)
	scale := m.VAE.Config.Scale()
	_, cacheErr := cacheOf(o.Cache, m.UNet)
	for _, v := range []struct {
		field string
		err   error
	}{{"pag", o.PAG.check(m.UNet)}, {"sag", checkSAG(o.SAG, m.UNet, h/scale, w/scale)}, {"cache", cacheErr}} {
		if v.err != nil {
			e.add("extras."+v.field, strings.TrimPrefix(v.err.Error(), v.field+" "))
		}
	}
	e.want(w >= scale && h >= scale, "init_image", "is %dx%d after rounding down, want %d at least", w, h, scale)
	e.want(w*h <= l.Pixels, "width", "times height is %d pixels, want at most %d", w*h, l.Pixels)
	return o, e.err()
}

// prompts sets Prompt and Negative, or Prompts where these can't say it.
func (r *Request) prompts(o *Options) {
	for _, p := range r.TextPrompts {
		o.Prompts = append(o.Prompts, WeightedPrompt{p.Text, or(p.Weight, 1)})
	}
	positive, negative := o.sides()
	if len(positive) > 1 || len(negative) > 1 {
		return
	}
	o.Prompt, o.Prompts = positive[0].Text, nil
	if len(negative) == 1 {
		o.Negative = &negative[0].Text
	}
}

func (x *Extras) apply(o *Options) {
	o.Guidance, o.PAG, o.SAG, o.FreeU, o.Cache = x.Guidance, x.PAG, x.SAG, x.FreeU, x.Cache
	o.Prompt2, o.Negative2 = x.Prompt2, x.Negative2
	o.Schedule, o.Spacing, o.Dialect, o.Noise, o.PromptSyntax, o.ClipSkip = x.Schedule, x.Spacing, x.Dialect, x.Noise, x.PromptSyntax, x.ClipSkip
	o.Noising = Noising{Eta: x.Eta, SNoise: x.SNoise, Restart: x.Restart, Order: x.Order}
	if x.SChurn != nil {
		o.Noising.Churn = &sched.Churn{Amount: *x.SChurn}
	}
	size := func(v []int) *Size {
		if v == nil {
			return nil
		}
		return &Size{v[0], v[1]}
	}
	o.OriginalSize, o.TargetSize = size(x.OriginalSize), size(x.TargetSize)
	o.NegativeOriginalSize, o.NegativeTargetSize = size(x.NegativeOriginalSize), size(x.NegativeTargetSize)
	if x.NegativeCrop != nil {
		o.NegativeCrop = new(image.Pt(x.NegativeCrop[0], x.NegativeCrop[1]))
	}
	if x.Crop != nil {
		o.Crop = image.Pt(x.Crop[0], x.Crop[1])
	}
}

// nativeSizes are the sizes that SDXL 1.0 was trained most on, and that the v1
// API allows (SDXL paper, appendix I).
var nativeSizes = []Size{
	{1024, 1024}, {1152, 896}, {896, 1152}, {1216, 832}, {832, 1216}, {1344, 768}, {768, 1344}, {1536, 640}, {640, 1536},
}

// Warnings returns what the options ask for that a model was not trained for.
func (o *Options) Warnings(m *Model) []string {
	w, h := o.size(m)
	native := m.UNet.Config.SampleSize * m.VAE.Config.Scale()
	if native != nativeSizes[0].Width {
		if w*h > 2*native*native || 2*w*h < native*native {
			return []string{fmt.Sprintf("%dx%d is far from the %dx%d that this model was trained for", w, h, native, native)}
		}
		return nil
	}
	if slices.Contains(nativeSizes, Size{w, h}) {
		return nil
	}
	return []string{fmt.Sprintf("%dx%d is none of the sizes that SDXL was trained for: %v", w, h, nativeSizes)}
}

// String returns the size as 1024x768.
func (s Size) String() string { return fmt.Sprintf("%dx%d", s.Width, s.Height) }
