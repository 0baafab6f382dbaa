// Package strictjson decodes JSON objects and names every field that does not
// fit, where encoding/json stops at the first and lets unknown ones pass.
package strictjson

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Fault is what is wrong with a field.
type Fault struct {
	Field   string // such as text_prompts[1].weight; "body" is all of it
	Message string // says what is there and what would be right
}

// What an object may be, so that what is said about it and what it takes in
// memory stay in proportion to it.
const (
	maxDepth  = 32     // objects and lists in one another
	maxValues = 10_000 // values and names
	maxFaults = 20     // that are named
)

// Decode fills the struct that dst points to from a JSON object, which may
// begin with a mark of UTF-8. Fields are known by the names of their json tags
// alone, exactly; null leaves a field as it is. If there are many faults, only
// the first are named.
//
// A field of type json.Unmarshaler reads itself; its error says what it wants. A
// field's tag without:"a b" makes fields a and b of its object unknown.
func Decode(data []byte, dst any) []Fault {
	data = bytes.TrimPrefix(data, []byte("\uFEFF"))
	if f := checkSize(data); f != nil {
		return []Fault{*f}
	}
	faults := object("", data, reflect.ValueOf(dst).Elem(), nil)
	if n := len(faults); n > maxFaults {
		faults = append(faults[:maxFaults], Fault{"body", fmt.Sprintf("has %d more faults", n-maxFaults)})
	}
	return faults
}

// checkSize reads JSON without keeping any of it.
func checkSize(data []byte) *Fault {
	depth, values, quoted := 0, 0, false
	for i := 0; i < len(data); i++ {
		switch c := data[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			depth++
			values++
		case c == '}' || c == ']':
			depth--
		case c == ',' || c == ':':
			values++
		}
		if depth > maxDepth {
			return &Fault{"body", fmt.Sprintf("has objects and lists %d deep, want at most %d", depth, maxDepth)}
		}
		if values > maxValues {
			return &Fault{"body", fmt.Sprintf("has over %d values, want fewer", maxValues)}
		}
	}
	return nil
}

func object(path string, data []byte, dst reflect.Value, without []string) []Fault {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil || raw == nil {
		if path == "" {
			path = "body"
		}
		return []Fault{{path, fmt.Sprintf("is %s, want a JSON object%s", show(data), reason(err))}}
	}
	var faults []Fault
	var names []string
	for name, f := range fields(dst.Type(), without) {
		names = append(names, name)
		if data, ok := raw[name]; ok {
			faults = append(faults, value(join(path, name), data, dst.FieldByIndex(f.Index), strings.Fields(f.Tag.Get("without")))...)
			delete(raw, name)
		}
	}
	known := "is unknown; there are " + strings.Join(names, ", ")
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		faults = append(faults, Fault{join(path, cmp.Or(shorten(name), `""`)), known})
	}
	return faults
}

// fields goes over the fields of a struct that have a JSON name, those of
// embedded structs among them.
func fields(t reflect.Type, without []string) iter.Seq2[string, reflect.StructField] {
	return func(yield func(string, reflect.StructField) bool) {
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" || name == "-" || slices.Contains(without, name) {
				continue
			}
			if !yield(name, f) {
				return
			}
		}
	}
}

// Names returns the names that Decode knows in an object of a type, in a field
// with a tag.
func Names(t reflect.Type, tag reflect.StructTag) (names []string) {
	for name := range fields(t, strings.Fields(tag.Get("without"))) {
		names = append(names, name)
	}
	return names
}

func value(path string, data []byte, dst reflect.Value, without []string) []Fault {
	if string(data) == "null" {
		return nil
	}
	if u, ok := dst.Addr().Interface().(json.Unmarshaler); ok {
		if err := u.UnmarshalJSON(data); err != nil {
			return []Fault{{path, fmt.Sprintf("is %s, %v", show(data), err)}}
		}
		return nil
	}
	switch t := dst.Type(); {
	case t.Kind() == reflect.Pointer:
		v := reflect.New(t.Elem())
		faults := value(path, data, v.Elem(), without)
		if faults == nil || t.Elem().Kind() == reflect.Struct {
			dst.Set(v) // what could be read of an object stays
		}
		return faults
	case t.Kind() == reflect.Struct:
		return object(path, data, dst, without)
	case t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8:
		return list(path, data, dst)
	}
	if err := json.Unmarshal(data, dst.Addr().Interface()); err != nil {
		return []Fault{{path, fmt.Sprintf("is %s, want %s", show(data), describe(dst.Type()))}}
	}
	return nil
}

func list(path string, data []byte, dst reflect.Value) []Fault {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return []Fault{{path, fmt.Sprintf("is %s, want a list", show(data))}}
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(raw), len(raw)))
	var faults []Fault
	for i, data := range raw {
		at := fmt.Sprintf("%s[%d]", path, i)
		if string(data) == "null" {
			faults = append(faults, Fault{at, "is null, want " + describe(dst.Type().Elem())})
		}
		if faults = append(faults, value(at, data, dst.Index(i), nil)...); len(faults) > maxFaults {
			break
		}
	}
	return faults
}

// describe says what JSON value a type takes.
func describe(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Struct:
		return "an object"
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "base64"
		}
		return "a list"
	}
	panic("strictjson: fields of type " + t.String())
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func reason(err error) string {
	if err == nil || strings.Contains(err.Error(), "cannot unmarshal") {
		return ""
	}
	return ": " + err.Error()
}

func show(data []byte) string {
	if data = bytes.TrimSpace(data); len(data) > 0 {
		return shorten(string(data[:min(len(data), maxShown+1)]))
	}
	return "empty"
}

// maxShown bounds the bytes of a value in a message.
const maxShown = 40

// shorten cuts a value to what a message can hold.
func shorten(s string) string {
	if len(s) > maxShown {
		s = s[:maxShown] + "..."
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
