package sdxl

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/prompt"
)

// Limits bound what a Request may ask for; 0 is the default of each.
type Limits struct {
	Pixels  int // of one picture, and of the picture to start from; 4 Mi
	Steps   int // 150, which is also the most
	Samples int // 10, which is also the most
	Calls   int // runs of the network for a picture, each side of guidance counted; 16 for each step there may be
}

// The ranges of the v1 API. It asks for 10 steps at least, and for sizes of its
// list; a short run and a small model need less.
const (
	maxRequestPixels  = 4 << 20
	maxRequestSteps   = 150
	maxRequestSamples = 10
	callsPerStep      = 16 // which a method of fourth order with two more guidances takes
	maxCFGScale       = 35
	maxSeed           = 1<<32 - 1
	sizeMultiple      = 64
	maxPromptLength   = 2000
	maxPrompts        = 32
	maxWeight         = 100
)

func (l Limits) filled() Limits {
	fill := func(v *int, most int) {
		if *v <= 0 || *v > most {
			*v = most
		}
	}
	if l.Pixels <= 0 {
		l.Pixels = maxRequestPixels
	}
	fill(&l.Steps, maxRequestSteps)
	fill(&l.Samples, maxRequestSamples)
	if l.Calls <= 0 {
		l.Calls = callsPerStep * l.Steps
	}
	return l
}

var (
	clipGuidancePresets = []string{"NONE", "FAST_BLUE", "FAST_GREEN", "SIMPLE", "SLOW", "SLOWER", "SLOWEST"}
	initImageModes      = []string{modeImageStrength, modeStepSchedule}
	spacings            = []string{"leading", "linspace", "trailing"}
)

// Validate returns a *RequestError that names everything wrong with the
// request, but for what the styles and the model decide; or nil.
func (r *Request) Validate(l Limits) error {
	l = l.filled()
	var e RequestError
	r.validatePrompts(&e)
	side := func(field string, v *int) {
		most := maxSide / sizeMultiple * sizeMultiple
		e.want(v == nil || *v >= sizeMultiple && *v <= most && *v%sizeMultiple == 0, field,
			"is %d, want a multiple of %d from %d to %d", or(v, 0), sizeMultiple, sizeMultiple, most)
	}
	side("height", r.Height)
	side("width", r.Width)
	if w, h := or(r.Width, 0), or(r.Height, 0); !e.names("width") && !e.names("height") {
		e.want(w*h <= l.Pixels, "width", "times height is %d pixels, want at most %d", w*h, l.Pixels)
	}
	cfg := r.cfgScale()
	e.want(cfg >= 0 && cfg <= maxCFGScale, "cfg_scale", "is %g, want 0 to %d", cfg, maxCFGScale)
	steps := or(r.Steps, defaultRequestSteps)
	e.want(steps >= 1 && steps <= l.Steps, "steps", "is %d, want 1 to %d", steps, l.Steps)
	seed := or(r.Seed, 0)
	e.want(seed >= 0 && seed <= maxSeed, "seed", "is %d, want 0 to %d", seed, int64(maxSeed))
	samples := or(r.Samples, 1)
	e.want(samples >= 1 && samples <= l.Samples, "samples", "is %d, want 1 to %d", samples, l.Samples)
	if r.Sampler != "" {
		_, _, err := sched.ParseSampler(r.Sampler)
		e.name("sampler", err)
	}
	oneOf(&e, "clip_guidance_preset", r.ClipGuidancePreset, clipGuidancePresets)
	r.validateInit(&e, steps, l)
	if r.Extras != nil {
		r.Extras.validate(&e)
		if err := r.Extras.Guidance.Validate(cfg); err != nil {
			e.add("extras.guidance", strings.ReplaceAll(err.Error(), "\n", "; "))
		}
	}
	return e.err()
}

func (r *Request) validatePrompts(e *RequestError) {
	if len(r.TextPrompts) == 0 {
		e.add("text_prompts", `is empty, want a list such as [{"text":"a lighthouse at dusk","weight":1}]`)
		return
	}
	e.want(len(r.TextPrompts) <= maxPrompts, "text_prompts", "has %d texts, want at most %d", len(r.TextPrompts), maxPrompts)
	positive := false
	for i, p := range r.TextPrompts[:min(len(r.TextPrompts), maxPrompts)] {
		field := fmt.Sprintf("text_prompts[%d]", i)
		n := utf8.RuneCountInString(p.Text)
		e.want(n >= 1 && n <= maxPromptLength, field+".text", "has %d characters, want 1 to %d", n, maxPromptLength)
		e.want(utf8.ValidString(p.Text), field+".text", "is not UTF-8")
		w := or(p.Weight, 1)
		e.want(w >= -maxWeight && w <= maxWeight, field+".weight", "is %g, want %d to %d", w, -maxWeight, maxWeight)
		positive = positive || w > 0
	}
	e.want(positive || e.names("text_prompts"), "text_prompts", "has no text of a weight above 0, want one at least")
}

func (r *Request) validateInit(e *RequestError, steps int, l Limits) {
	oneOf(e, "init_image_mode", r.InitImageMode, initImageModes)
	share := func(field string, v *float64) {
		e.want(v == nil || *v >= 0 && *v <= 1, field, "is %g, want 0 to 1", or(v, 0))
		e.want(v == nil || r.InitImage != nil, field, "is given without an init_image, want both")
	}
	share("image_strength", r.ImageStrength)
	share("step_schedule_start", r.StepScheduleStart)
	share("step_schedule_end", r.StepScheduleEnd)
	if r.InitImage == nil {
		e.want(r.InitImageMode == "", "init_image_mode", "is given without an init_image, want both")
		return
	}
	if r.mode() == modeStepSchedule {
		e.want(r.ImageStrength == nil, "image_strength", "is given, want step_schedule_start and step_schedule_end where init_image_mode is %s", modeStepSchedule)
	} else {
		for field, v := range map[string]*float64{"step_schedule_start": r.StepScheduleStart, "step_schedule_end": r.StepScheduleEnd} {
			e.want(v == nil, field, "is given, want image_strength where init_image_mode is not %s", modeStepSchedule)
		}
	}
	if strength, field := r.strength(); !e.names(field) && !e.names("steps") {
		run, total := sched.Dialect(or(r.Extras, Extras{}).Dialect).TailSteps(steps, strength)
		e.want(run >= 1, field, "leaves none of %d steps to run, want one at least", steps)
		end := or(r.StepScheduleEnd, 0)
		e.want(run < 1 || e.names("step_schedule_end") || run > int(float64(total)*end), "step_schedule_end",
			"is %g, which leaves none of the %d steps from step_schedule_start on, want less", end, run)
	}
	_, err := decodeImage(r.InitImage, l.Pixels)
	if err != nil {
		e.add("init_image", err.Error())
	}
}

func (x *Extras) validate(e *RequestError) {
	if x.Schedule != "" {
		_, err := sched.ParseSchedule(x.Schedule)
		e.name("extras.schedule", err)
	}
	oneOf(e, "extras.spacing", x.Spacing, spacings)
	oneOf(e, "extras.dialect", x.Dialect, sched.DialectNames())
	oneOf(e, "extras.noise", x.Noise, Noises)
	for _, v := range []struct {
		field string
		is    *float64
		most  float64
	}{{"extras.eta", x.Eta, 1}, {"extras.s_noise", x.SNoise, 10}, {"extras.s_churn", x.SChurn, 1000}} {
		e.want(v.is == nil || *v.is >= 0 && *v.is <= v.most, v.field, "is %g, want 0 to %g", or(v.is, 0), v.most)
	}
	e.want(x.Order >= 0 && x.Order <= sched.MaxOrder, "extras.order", "is %d, want 1 to %d", x.Order, sched.MaxOrder)
	if err := x.Restart.Check(); err != nil {
		e.add("extras.restart", strings.TrimPrefix(err.Error(), "sched: Restart "))
	}
	text := func(field string, v *string) {
		n := utf8.RuneCountInString(or(v, ""))
		e.want(n <= maxPromptLength && utf8.ValidString(or(v, "")), field, "has %d characters, want at most %d, in UTF-8", n, maxPromptLength)
	}
	text("extras.prompt_2", x.Prompt2)
	text("extras.negative_prompt_2", x.Negative2)
	if err := x.FreeU.Check(); err != nil {
		e.add("extras.freeu", strings.TrimPrefix(err.Error(), "freeu "))
	}
	oneOf(e, "extras.prompt_syntax", x.PromptSyntax, prompt.Syntaxes())
	e.want(x.ClipSkip >= 0, "extras.clip_skip", "is %d, want 0 or more", x.ClipSkip)
	pair := func(field string, v []int, least int) {
		ok := v == nil || len(v) == 2 && v[0] >= least && v[1] >= least && max(v[0], v[1]) <= maxSide
		e.want(ok, "extras."+field, "is %v, want two numbers from %d to %d", v[:min(len(v), 3)], least, maxSide)
	}
	pair("original_size", x.OriginalSize, 1)
	pair("target_size", x.TargetSize, 1)
	pair("crop", x.Crop, 0)
	pair("negative_original_size", x.NegativeOriginalSize, 1)
	pair("negative_target_size", x.NegativeTargetSize, 1)
	pair("negative_crop", x.NegativeCrop, 0)
}

// oneOf checks a name of a closed list; "" is open.
// name adds the error of a name that is none.
func (e *RequestError) name(field string, err error) {
	var unknown *sched.NameError
	if errors.As(err, &unknown) {
		e.add(field, fmt.Sprintf("is %q, want a %s such as %s", shorten(unknown.Name), unknown.Kind, strings.Join(unknown.Nearest, ", ")))
	}
}

func oneOf(e *RequestError, field, value string, names []string) {
	e.want(value == "" || slices.Contains(names, value), field, "is %q, want one of %s", shorten(value), strings.Join(names, ", "))
}

// shorten cuts a value to what a message can hold.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "..."
}
