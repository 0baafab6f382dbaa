package request

import (
	"errors"
	"fmt"
	"strings"

	"github.com/df65613c/easel/sdxl"
)

// Violation is what is wrong with a field of a Request.
type Violation struct {
	Field   string `json:"field"`   // such as text_prompts[1].weight
	Message string `json:"message"` // says what is there and what would be right
}

// Error names everything that is wrong with a Request.
type Error struct{ Violations []Violation }

func (e *Error) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = v.Field + " " + v.Message
	}
	return strings.Join(lines, "; ")
}

func (e *Error) add(field, message string) {
	e.Violations = append(e.Violations, Violation{field, message})
}

func (e *Error) want(ok bool, field, format string, args ...any) {
	if !ok {
		e.add(field, fmt.Sprintf(format, args...))
	}
}

// merge adds the violations of err to fields that have none yet.
func (e *Error) merge(err error) {
	var more *Error
	if !errors.As(err, &more) {
		return
	}
	for _, v := range more.Violations {
		if !e.names(v.Field) {
			e.Violations = append(e.Violations, v)
		}
	}
}

// requestFields are the fields of the request that an option of another name
// comes from; the options that are not named here and not among the request's
// own fields are extras.
var requestFields = map[string]string{
	"prompt": "text_prompts", "negative_prompt": "text_prompts", "prompts": "text_prompts", "width": "width",
	"height": "height", "steps": "steps",
	"cfg_scale": "cfg_scale", "seed": "seed", "sampler": "sampler", "strength": "image_strength",
	"skip_end": "step_schedule_end", "image": "init_image",
}

// options adds what is wrong with the options that a request asks for, to
// fields that have no violation yet.
func (e *Error) options(err error) {
	var faults sdxl.FieldErrors
	if !errors.As(err, &faults) {
		return
	}
	for _, f := range faults {
		field, ok := requestFields[f.Field]
		if rest, found := strings.CutPrefix(f.Field, "prompts["); found {
			field, ok = "text_prompts["+rest, true
		}
		if !ok {
			field = "extras." + f.Field
		}
		if !e.names(field) {
			e.add(field, f.Message)
		}
	}
}

// names tells if a field or one inside it has a violation.
func (e *Error) names(field string) bool {
	for _, v := range e.Violations {
		if v.Field == "body" || v.Field == field || strings.HasPrefix(v.Field, field+"[") || strings.HasPrefix(v.Field, field+".") ||
			strings.HasPrefix(field, v.Field+"[") || strings.HasPrefix(field, v.Field+".") {
			return true
		}
	}
	return false
}

func (e *Error) err() error {
	if e.Violations == nil {
		return nil
	}
	return e
}
