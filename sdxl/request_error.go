package sdxl

import (
	"errors"
	"fmt"
	"strings"
)

// Violation is what is wrong with a field of a Request.
type Violation struct {
	Field   string `json:"field"`   // such as text_prompts[1].weight
	Message string `json:"message"` // says what is there and what would be right
}

// RequestError names everything that is wrong with a Request.
type RequestError struct{ Violations []Violation }

func (e *RequestError) Error() string {
	lines := make([]string, len(e.Violations))
	for i, v := range e.Violations {
		lines[i] = v.Field + " " + v.Message
	}
	return strings.Join(lines, "; ")
}

func (e *RequestError) add(field, message string) {
	e.Violations = append(e.Violations, Violation{field, message})
}

func (e *RequestError) want(ok bool, field, format string, args ...any) {
	if !ok {
		e.add(field, fmt.Sprintf(format, args...))
	}
}

// merge adds the violations of err to fields that have none yet.
func (e *RequestError) merge(err error) {
	var more *RequestError
	if !errors.As(err, &more) {
		return
	}
	for _, v := range more.Violations {
		if !e.names(v.Field) {
			e.Violations = append(e.Violations, v)
		}
	}
}

// names tells if a field or one inside it has a violation.
func (e *RequestError) names(field string) bool {
	for _, v := range e.Violations {
		if v.Field == "body" || v.Field == field || strings.HasPrefix(v.Field, field+"[") || strings.HasPrefix(v.Field, field+".") ||
			strings.HasPrefix(field, v.Field+"[") || strings.HasPrefix(field, v.Field+".") {
			return true
		}
	}
	return false
}

func (e *RequestError) err() error {
	if e.Violations == nil {
		return nil
	}
	return e
}
