package sdxl

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/df65613c/easel/sched"
)

// FieldError is what is wrong with a field of Options, by its JSON name.
type FieldError struct {
	Field   string // such as prompts[1].weight
	Message string // says what is there and what would be right
}

func (e *FieldError) Error() string { return e.Field + " " + e.Message }

// FieldErrors are all that is wrong with Options.
type FieldErrors []FieldError

func (e FieldErrors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

func (e *FieldErrors) add(field, format string, args ...any) {
	*e = append(*e, FieldError{field, fmt.Sprintf(format, args...)})
}

func (e *FieldErrors) want(ok bool, field, format string, args ...any) {
	if !ok {
		e.add(field, format, args...)
	}
}

// fault adds an error that says what is wrong with a field, if there is one.
func (e *FieldErrors) fault(field string, err error) {
	if err != nil {
		e.add(field, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
}

func (e *FieldErrors) oneOf(field, value string, names []string) {
	e.want(value == "" || slices.Contains(names, value), field, "is %.40q, want one of %s", value, strings.Join(names, ", "))
}

// name adds the error of a name that is none.
func (e *FieldErrors) name(field string, err error) {
	var unknown *sched.NameError
	if errors.As(err, &unknown) {
		e.add(field, "is %.40q, want a %s such as %s", unknown.Name, unknown.Kind, strings.Join(unknown.Nearest, ", "))
		return
	}
	e.fault(field, err)
}
