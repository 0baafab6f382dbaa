package request

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sdxl"

	"github.com/df65613c/easel/sched"
)

// Limits bound what a Request may ask for; 0 is the default of each.
type Limits struct {
	Pixels  int // of one picture; 4 Mi
	Steps   int // 150, which is also the most
	Samples int // 10, which is also the most
	Calls   int // runs of the network for a picture, each side of guidance counted; 16 for each step there may be
	// PictureMemory is how many bytes decoding a picture to start from may take;
	// 512 MiB, which is enough for a photo of 52 megapixels, saved plainly.
	PictureMemory int64
}

// The ranges of the v1 API. It asks for 10 steps at least, and for sizes of its
// list; a short run and a small model need less.
const (
	// DefaultPictureMemory is what Limits.PictureMemory is where it is 0.
	DefaultPictureMemory = 512 << 20

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
	if l.PictureMemory <= 0 {
		l.PictureMemory = DefaultPictureMemory
	}
	if l.Calls <= 0 {
		l.Calls = callsPerStep * l.Steps
	}
	return l
}

var (
	clipGuidancePresets = []string{"NONE", "FAST_BLUE", "FAST_GREEN", "SIMPLE", "SLOW", "SLOWER", "SLOWEST"}
	initImageModes      = []string{modeImageStrength, modeStepSchedule}
)

// Validate returns an *Error that names everything wrong with the request,
// except what depends on styles and the model; or nil.
func (r *Request) Validate(l Limits) error {
	l = l.filled()
	var e Error
	r.validatePrompts(&e)
	side := func(field string, v *int) {
		most := sdxl.MaxSide / sizeMultiple * sizeMultiple
		e.want(v == nil || *v >= sizeMultiple && *v <= most && *v%sizeMultiple == 0, field,
			"is %d, want a multiple of %d from %d to %d", ptr.Or(v, 0), sizeMultiple, sizeMultiple, most)
	}
	side("height", r.Height)
	side("width", r.Width)
	if w, h := ptr.Or(r.Width, 0), ptr.Or(r.Height, 0); !e.names("width") && !e.names("height") {
		e.want(w*h <= l.Pixels, "width", "times height is %d pixels, want at most %d", w*h, l.Pixels)
	}
	cfg := r.cfgScale()
	e.want(cfg >= 0 && cfg <= maxCFGScale, "cfg_scale", "is %g, want 0 to %d", cfg, maxCFGScale)
	steps := ptr.Or(r.Steps, defaultRequestSteps)
	e.want(steps >= 1 && steps <= l.Steps, "steps", "is %d, want 1 to %d", steps, l.Steps)
	seed := ptr.Or(r.Seed, 0)
	e.want(seed >= 0 && seed <= maxSeed, "seed", "is %d, want 0 to %d", seed, int64(maxSeed))
	samples := ptr.Or(r.Samples, 1)
	e.want(samples >= 1 && samples <= l.Samples, "samples", "is %d, want 1 to %d", samples, l.Samples)
	oneOf(&e, "clip_guidance_preset", r.ClipGuidancePreset, clipGuidancePresets)
	r.validateInit(&e, steps, l)
	r.validateExtras(&e)
	return e.err()
}

func (r *Request) validatePrompts(e *Error) {
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
		w := ptr.Or(p.Weight, 1)
		e.want(w >= -maxWeight && w <= maxWeight, field+".weight", "is %g, want %d to %d", w, -maxWeight, maxWeight)
		positive = positive || w > 0
	}
	e.want(positive || e.names("text_prompts"), "text_prompts", "has no text of a weight above 0, want one at least")
}

func (r *Request) validateInit(e *Error, steps int, l Limits) {
	oneOf(e, "init_image_mode", r.InitImageMode, initImageModes)
	share := func(field string, v *float64) {
		e.want(v == nil || *v >= 0 && *v <= 1, field, "is %g, want 0 to 1", ptr.Or(v, 0))
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
		e.want(r.ImageStrength == nil, "image_strength",
			"is given, want step_schedule_start and step_schedule_end where init_image_mode is %s", modeStepSchedule)
	} else {
		none := func(field string, v *float64) {
			e.want(v == nil, field, "is given, want image_strength where init_image_mode is not %s", modeStepSchedule)
		}
		none("step_schedule_start", r.StepScheduleStart)
		none("step_schedule_end", r.StepScheduleEnd)
	}
	if strength, field := r.strength(); !e.names(field) && !e.names("steps") {
		run, total := sched.Dialect(r.extras().Dialect).TailSteps(steps, strength)
		e.want(run >= 1, field, "leaves none of %d steps to run, want one at least", steps)
		end := ptr.Or(r.StepScheduleEnd, 0)
		e.want(run < 1 || e.names("step_schedule_end") || run > int(float64(total)*end), "step_schedule_end",
			"is %g, which leaves none of the %d steps from step_schedule_start on, want less", end, run)
	}
	if _, err := imageSize(r.InitImage, inputLimits(l.PictureMemory)); err != nil { // its pixels are decoded in the request's turn
		e.add("init_image", err.Error())
	}
}

func (r *Request) validateExtras(e *Error) {
	x := r.extras()
	x.CFG, x.Sampler = new(r.cfgScale()), r.Sampler
	r.prompts(&x)
	e.options(x.Check(nil))
	text := func(field string, v *string) {
		n := utf8.RuneCountInString(ptr.Or(v, ""))
		e.want(n <= maxPromptLength && utf8.ValidString(ptr.Or(v, "")), field,
			"has %d characters, want at most %d, in UTF-8", n, maxPromptLength)
	}
	text("extras.prompt_2", x.Prompt2)
	text("extras.negative_prompt_2", x.Negative2)
}

// oneOf checks a name of a closed list; "" is open.
func oneOf(e *Error, field, value string, names []string) {
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
