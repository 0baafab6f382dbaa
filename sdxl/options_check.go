package sdxl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/df65613c/easel/internal/ptr"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/prompt"
)

// Limits, so that a typing error does not ask for all memory.
const (
	MaxSide  = 16384
	maxSteps = 1000
	maxBatch = 256
)

// Check returns FieldErrors that name everything wrong with the options, or
// nil. Checks that need a part of the model are left out if m is nil or lacks
// the part.
func (o *Options) Check(m *Model) error {
	var e FieldErrors
	o.checkPrompts(&e)
	o.checkSizes(&e)
	o.checkNoise(&e)
	o.checkSampling(&e)
	o.checkGuidance(&e)
	o.checkClipSkip(&e, m)
	o.checkAdapters(&e)
	_, err := parseCache(o.Cache)
	e.fault("cache", err)
	if m != nil {
		o.checkModel(&e, m)
	}
	if e == nil {
		return nil
	}
	return e
}

func (o *Options) checkPrompts(e *FieldErrors) {
	e.oneOf("prompt_syntax", o.PromptSyntax, prompt.Syntaxes())
	if o.Prompts == nil {
		return
	}
	e.want(o.Prompt == "" && o.Negative == nil, "prompts", "are given beside a prompt or a negative prompt, want one way")
	e.want(o.Prompt2 == nil, "prompt_2", "is given beside prompts by weight, want one way")
	e.want(o.Negative2 == nil, "negative_prompt_2", "is given beside prompts by weight, want one way")
	for i, p := range o.Prompts {
		e.want(finite(p.Weight), fmt.Sprintf("prompts[%d].weight", i), "is %g, want a number", p.Weight)
	}
	positive := slices.ContainsFunc(o.Prompts, func(p WeightedPrompt) bool { return p.Weight > 0 })
	e.want(positive, "prompts", "have no text of a weight above 0, want one at least")
}

func (o *Options) checkSizes(e *FieldErrors) {
	for _, v := range []struct {
		field string
		size  *Size
	}{
		{"original_size", o.OriginalSize}, {"target_size", o.TargetSize},
		{"negative_original_size", o.NegativeOriginalSize}, {"negative_target_size", o.NegativeTargetSize},
	} {
		s := ptr.Or(v.size, Size{1, 1})
		e.want(min(s.Width, s.Height) >= 1 && max(s.Width, s.Height) <= MaxSide, v.field,
			"is %v, want two numbers from 1 to %d", s, MaxSide)
	}
	corner := func(field string, c Corner) {
		e.want(min(c.X, c.Y) >= 0 && max(c.X, c.Y) <= MaxSide, field, "is %d,%d, want two numbers from 0 to %d", c.X, c.Y, MaxSide)
	}
	corner("crop", o.Crop)
	corner("negative_crop", ptr.Or(o.NegativeCrop, Corner{}))
	if o.Image == nil {
		e.want(o.Strength == nil, "strength", "is given without a picture to start from, want both or none")
		return
	}
	e.want(!o.Image.Bounds().Empty(), "image", "is empty")
	strength := ptr.Or(o.Strength, DefaultStrength)
	ok := strength >= 0 && strength <= 1
	e.want(ok, "strength", "is %g, want 0 to 1", strength)
	if steps := o.steps(); ok && steps >= 1 && steps <= maxSteps {
		run, _ := sched.Dialect(o.Dialect).TailSteps(steps, strength)
		e.want(run >= 1, "strength", "%g of %d steps is less than one step", strength, steps)
	}
}

func (o *Options) checkSampling(e *FieldErrors) {
	if o.Sampler != "" {
		_, _, err := sched.ParseSampler(o.Sampler)
		e.name("sampler", err)
	}
	if o.Schedule != "" {
		_, err := sched.ParseSchedule(o.Schedule)
		e.name("schedule", err)
	}
	e.want(o.Custom == nil || o.Custom.Name != "", "custom", "sampler has no name, want one: it is kept in the picture's file")
	e.oneOf("spacing", o.Spacing, []string{"leading", "linspace", "trailing"})
	e.oneOf("dialect", o.Dialect, sched.DialectNames())
	steps := o.steps()
	if o.Sigmas != nil {
		e.want(o.Steps == nil || *o.Steps == steps, "steps", "is %d beside %d sigmas, want %d or none",
			ptr.Or(o.Steps, 0), len(o.Sigmas), steps)
		e.want(o.Schedule == "", "schedule", "is %s beside sigmas, want one of them", o.Schedule)
	}
	e.want(steps >= 1 && steps <= maxSteps, "steps", "is %d, want 1 to %d", steps, maxSteps)
	e.want(o.SkipEnd >= 0 && o.SkipEnd < 1, "skip_end", "is %g, want 0 to less than 1", o.SkipEnd)
	share := func(field string, v *float64, most float64) {
		e.want(v == nil || *v >= 0 && *v <= most, field, "is %g, want 0 to %g", ptr.Or(v, 0), most)
	}
	share("eta", o.Eta, 1)
	share("s_noise", o.SNoise, 10)
	e.want(o.Order >= 0 && o.Order <= sched.MaxOrder, "order", "is %d, want 1 to %d, or 0 for the sampler's own",
		o.Order, sched.MaxOrder)
	if fault := o.Restart.Fault(); fault != "" {
		e.add("restart", "%s", fault)
	}
	churn := ptr.Or(o.Churn, sched.Churn{})
	for _, v := range []float64{churn.Amount, churn.Min, churn.Max} {
		if !(v >= 0 && v <= 1000) {
			e.add("s_churn", "is %g, want 0 to 1000", v)
			break
		}
	}
}

func (o *Options) checkGuidance(e *FieldErrors) {
	cfg := o.cfg()
	e.want(finite(cfg), "cfg_scale", "is %g, want a number", cfg)
	e.fault("guidance", o.Guidance.Validate(cfg))
	e.fault("pag", o.PAG.check())
	e.want(o.SAG >= 0 && o.SAG <= 100, "sag", "is %g, want 0 to 100", o.SAG)
	e.fault("freeu", o.FreeU.Check())
}

// checkModel checks what depends on the model.
func (o *Options) checkModel(e *FieldErrors, m *Model) {
	if m.UNet == nil {
		return
	}
	if c, err := parseCache(o.Cache); err == nil {
		e.want(c.branch < m.UNet.Skips(), "cache", "is %.40q, want a branch of 0 to %d", o.Cache, m.UNet.Skips()-1)
	}
	if o.PAG.check() == nil {
		e.fault("pag", o.PAG.checkLayers(m.UNet))
	}
	if m.VAE == nil {
		return
	}
	scale := m.VAE.Config.Scale()
	w, h := o.SizeFor(m)
	side := func(field string, v int) {
		e.want(v > 0 && v <= MaxSide && v%scale == 0, field, "is %d, want a multiple of %d up to %d", v, scale, MaxSide)
	}
	side("width", w)
	side("height", h)
	e.fault("sag", checkSAG(o.SAG, m.UNet, h/scale, w/scale))
}

func finite(v float64) bool { return v-v == 0 }

// Require returns an error if the model was opened without a part that is needed.
func (m *Model) Require(what string, parts Parts) error {
	var missing []string
	lack := func(part Parts, have bool, name string) {
		if parts&part != 0 && !have {
			missing = append(missing, name)
		}
	}
	lack(TokenizerParts, m.TokenizerL != nil && m.TokenizerG != nil, "the tokenizers")
	lack(encoderParts, m.TextL != nil && m.TextG != nil, "the text encoders")
	lack(UNetPart, m.UNet != nil, "the UNet")
	lack(VAEPart, m.VAE != nil, "the VAE")
	if missing == nil {
		return nil
	}
	return fmt.Errorf("%s: %s needs %s, which this model was opened without", m.Path, what, strings.Join(missing, " and "))
}
