package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// maxQuoted is the longest part of a name in a file that an error repeats.
const maxQuoted = 200

func quote(s string) string {
	if len(s) > maxQuoted {
		return strconv.Quote(s[:maxQuoted]) + "..."
	}
	return strconv.Quote(s)
}

// hasHalfPair reports whether an escape in the text is a surrogate without the
// other of its pair. The decoder would put U+FFFD in its place, which could make
// two names one.
func hasHalfPair(text []byte) bool {
	const size = len(`\u0000`)
	unit := func(at int) rune {
		if at+size > len(text) || text[at] != '\\' || text[at+1] != 'u' {
			return 0
		}
		v, _ := strconv.ParseUint(string(text[at+2:at+size]), 16, 16) // else the JSON is invalid
		return rune(v)
	}
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if r := unit(i); utf16.IsSurrogate(r) {
			if utf16.DecodeRune(r, unit(i+size)) == utf8.RuneError {
				return true
			}
			i += size
		}
		i++ // what a backslash escapes may be one
	}
	return false
}

// document reads a JSON text that is one object. Unlike encoding/json it
// refuses names that occur twice and text that is not UTF-8.
type document struct{ *json.Decoder }

func parseObject(text []byte, field func(d document, name string) error) error {
	if !utf8.Valid(text) {
		return errors.New("not UTF-8")
	}
	if hasHalfPair(text) {
		return errors.New("an escape is half of a surrogate pair, which is no character")
	}
	d := document{json.NewDecoder(bytes.NewReader(text))}
	d.UseNumber()
	if err := d.object(func(name string) error { return field(d, name) }); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return fmt.Errorf("more than one JSON value, the second at byte %d", d.InputOffset())
	}
	return nil
}

// object reads an object and calls field for each of its names. field must
// read the value.
func (d document) object(field func(name string) error) error {
	if err := d.delim('{'); err != nil {
		return err
	}
	return d.fields(field)
}

// fields reads an object whose { is read.
func (d document) fields(field func(name string) error) error {
	seen := map[string]struct{}{}
	for d.More() {
		tok, err := d.token()
		if err != nil {
			return err
		}
		name := tok.(string) // all that the decoder allows here
		if _, ok := seen[name]; ok {
			return fmt.Errorf("the name %s occurs twice", quote(name))
		}
		seen[name] = struct{}{}
		if err := field(name); err != nil {
			return err
		}
	}
	return d.delim('}')
}

// sizes reads an array of whole numbers that are not negative.
func (d document) sizes() ([]int, error) {
	if err := d.delim('['); err != nil {
		return nil, err
	}
	var v []int
	for d.More() {
		tok, err := d.token()
		if err != nil {
			return nil, err
		}
		num, ok := tok.(json.Number)
		if !ok {
			return nil, fmt.Errorf("%v is no number", tok)
		}
		n, err := strconv.ParseUint(num.String(), 10, strconv.IntSize-1)
		if err != nil {
			return nil, fmt.Errorf("%s is no whole number from 0 to 2^%d-1", num, strconv.IntSize-1)
		}
		v = append(v, int(n))
	}
	return v, d.delim(']')
}

func (d document) text() (string, error) {
	tok, err := d.token()
	if err != nil {
		return "", err
	}
	s, ok := tok.(string)
	if !ok {
		return "", fmt.Errorf("%v at byte %d is no string", tok, d.InputOffset())
	}
	return s, nil
}

// skip reads a value of any kind.
func (d document) skip() error {
	var v json.RawMessage
	return d.syntax(d.Decode(&v))
}

func (d document) delim(want json.Delim) error {
	tok, err := d.token()
	if err != nil {
		return err
	}
	if tok != want {
		return fmt.Errorf("%v where %v is due, at byte %d", tok, want, d.InputOffset())
	}
	return nil
}

func (d document) token() (json.Token, error) {
	tok, err := d.Token()
	return tok, d.syntax(err)
}

func (d document) syntax(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return errors.New("JSON ends too early")
	}
	if err != nil {
		return fmt.Errorf("invalid JSON at byte %d: %w", d.InputOffset(), err)
	}
	return nil
}
