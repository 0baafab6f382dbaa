package sdxl

// FieldError is what is wrong with a field of Options, by its JSON name.
type FieldError struct {
	Field   string
	Message string // says what is there and what would be right
}

func (e *FieldError) Error() string { return e.Field + " " + e.Message }
