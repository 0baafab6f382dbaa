// Package request holds what services of SDXL are asked for, in the JSON of
// Stability's v1 REST API: requests, their limits, style presets, and pictures
// whose files hold what made them.
package request

import (
	"reflect"

	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sdxl"

	"github.com/df65613c/easel/internal/strictjson"
)

// Request is what a service of SDXL is asked for, in the JSON of Stability's
// v1 REST API. The zero value with a text prompt works; nil fields are open.
// docs/api.md tells what each means, and where easel allows more.
type Request struct {
	TextPrompts []TextPrompt `json:"text_prompts"`
	Height      *int         `json:"height,omitempty"` // multiples of 64; nil is the model's, or the picture's
	Width       *int         `json:"width,omitempty"`
	CFGScale    *float64     `json:"cfg_scale,omitempty"` // 0 to 35; nil is 7
	Steps       *int         `json:"steps,omitempty"`     // 1 to 150; nil is 30
	Seed        *int64       `json:"seed,omitempty"`      // 0 to 2^32-1; 0 or nil draws one
	Samples     *int         `json:"samples,omitempty"`   // 1 to 10; nil is 1
	Sampler     string       `json:"sampler,omitempty"`   // that API's names, or as sched.ParseSampler reads it
	StylePreset string       `json:"style_preset,omitempty"`
	// ClipGuidancePreset is accepted for that API's sake. CLIP guidance is not
	// part of SDXL, and changes nothing.
	ClipGuidancePreset string `json:"clip_guidance_preset,omitempty"`

	InitImage         []byte   `json:"init_image,omitempty"`      // PNG, JPEG, WebP, GIF, BMP or TIFF; base64 in JSON
	InitImageMode     string   `json:"init_image_mode,omitempty"` // IMAGE_STRENGTH, or STEP_SCHEDULE; "" tells from what is given
	ImageStrength     *float64 `json:"image_strength,omitempty"`  // 0 to 1, of the picture over the text; nil is 0.35
	StepScheduleStart *float64 `json:"step_schedule_start,omitempty"`
	StepScheduleEnd   *float64 `json:"step_schedule_end,omitempty"`

	// Extras are options beyond that API's, by their names in sdxl.Options. What
	// that API has a field for, or decides itself, is not among them.
	Extras *sdxl.Options `json:"extras,omitempty" without:"prompt negative_prompt prompts width height steps cfg_scale seed batch seeds index sampler sigmas strength skip_end"`
}

// TextPrompt is a text and its weight; nil is 1. See WeightedPrompt.
type TextPrompt struct {
	Text   string   `json:"text"`
	Weight *float64 `json:"weight,omitempty"`
}

// What Request means where it is silent: the defaults of that API.
const (
	defaultCFGScale          = 7.0
	defaultRequestSteps      = 30
	defaultImageStrength     = 0.35
	defaultStepScheduleStart = 0.65
)

const (
	modeImageStrength = "IMAGE_STRENGTH"
	modeStepSchedule  = "STEP_SCHEDULE"
)

// Parse reads a request's JSON. Its error is an *Error that names every field that
// is unknown or of the wrong type; Validate finds the rest.
func Parse(data []byte) (*Request, error) {
	r := new(Request)
	var e Error
	for _, f := range strictjson.Decode(data, r) {
		e.add(f.Field, f.Message)
	}
	if e.Violations != nil {
		// What could be read is checked too, so that the caller hears of all at once.
		e.merge(r.Validate(Limits{}))
		return nil, &e
	}
	return r, nil
}

// Pictures returns how many samples the request asks for, and of how many steps.
func (r *Request) Pictures() (samples, steps int) {
	return ptr.Or(r.Samples, 1), ptr.Or(r.Steps, defaultRequestSteps)
}

// extras returns the options beyond that API's.
func (r *Request) extras() sdxl.Options { return ptr.Or(r.Extras, sdxl.Options{}) }

// cfgScale returns the guidance scale.
func (r *Request) cfgScale() float64 {
	if r.CFGScale != nil {
		return *r.CFGScale
	}
	return r.extras().Guidance.DefaultScale(defaultCFGScale)
}

// mode returns how the request says how far to leave its picture.
func (r *Request) mode() string {
	if r.InitImageMode == "" && r.ImageStrength == nil && (r.StepScheduleStart != nil || r.StepScheduleEnd != nil) {
		return modeStepSchedule
	}
	if r.InitImageMode == "" {
		return modeImageStrength
	}
	return r.InitImageMode
}

// strength returns the share of the steps that run, as Options has it, and the
// field that says so. An image_strength of 1 is the picture itself.
func (r *Request) strength() (strength float64, field string) {
	if r.mode() == modeStepSchedule {
		return ptr.Or(r.StepScheduleStart, defaultStepScheduleStart), "step_schedule_start"
	}
	return 1 - ptr.Or(r.ImageStrength, defaultImageStrength), "image_strength"
}

// ExtraNames returns the names of the options that Extras may hold.
func ExtraNames() []string {
	f, _ := reflect.TypeFor[Request]().FieldByName("Extras")
	return strictjson.Names(f.Type.Elem(), f.Tag)
}
