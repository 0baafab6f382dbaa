package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Files of a tokenizer's folder. Either tokenizer.json or vocab.json with merges.txt must be there.
const (
	tokenizerFile     = "tokenizer.json"
	vocabFile         = "vocab.json"
	mergesFile        = "merges.txt"
	configFile        = "tokenizer_config.json"
	specialTokensFile = "special_tokens_map.json"
	addedTokensFile   = "added_tokens.json"
)

const (
	startOfText = "<|startoftext|>"
	endOfText   = "<|endoftext|>"

	clipLength = 77 // positions of CLIP's text encoders
)

// roles are the named special tokens, in the order in which they are added.
var roles = [...]string{"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}

// defaults are CLIPTokenizer's own, where the files name none.
var defaults = map[string]string{"bos_token": startOfText, "eos_token": endOfText, "unk_token": endOfText, "pad_token": endOfText}

// config is what the small files of a folder say.
type config struct {
	maxLength int
	special   map[string]tokenSpec // by role
	extra     []tokenSpec          // extra_special_tokens
	// additional_special_tokens, the older name; it holds where extra is empty
	additional []tokenSpec
	added      map[int32]tokenSpec // by the id that the file gives, which orders them
}

// tokenSpec is a special or added token as files write it: a string, or an object with flags.
type tokenSpec struct {
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized *bool  `json:"normalized"` // absent: not for special tokens
	Special    bool   `json:"special"`

	isString bool
}

func (t *tokenSpec) UnmarshalJSON(b []byte) error {
	if json.Unmarshal(b, &t.Content) == nil {
		t.isString = true
		return nil
	}
	type object tokenSpec
	if err := json.Unmarshal(b, (*object)(t)); err != nil {
		return fmt.Errorf("want a string or an object with content: %w", err)
	}
	return nil
}

func (t tokenSpec) isNormalized() bool {
	if t.Normalized != nil {
		return *t.Normalized
	}
	return !t.Special
}

// same reports whether the two say the same in the same form.
func (t tokenSpec) same(u tokenSpec) bool {
	return t.isString == u.isString && t.isNormalized() == u.isNormalized() &&
		t.Content == u.Content && t.SingleWord == u.SingleWord && t.LStrip == u.LStrip && t.RStrip == u.RStrip && t.Special == u.Special
}

// readConfig reads the files that name special and added tokens. inVocabulary are the added_tokens of tokenizer.json.
func readConfig(fsys fs.FS, inVocabulary []savedToken) (*config, error) {
	c := &config{special: map[string]tokenSpec{}, added: map[int32]tokenSpec{}}
	fields := map[string]json.RawMessage{}
	if err := readOptional(fsys, configFile, &fields); err != nil {
		return nil, err
	}
	if err := c.readFields(fields); err != nil {
		return nil, fmt.Errorf("%s: %w", configFile, err)
	}
	if len(c.extra) == 0 {
		c.extra = c.additional
	}
	// A configuration that lists added tokens is complete; one that does not is completed by older files.
	if decoder, ok := fields["added_tokens_decoder"]; ok {
		if err := c.readDecoder(decoder); err != nil {
			return nil, fmt.Errorf("%s: added_tokens_decoder: %w", configFile, err)
		}
	} else if err := c.readOlder(fsys, inVocabulary); err != nil {
		return nil, err
	}
	byContent := map[string]tokenSpec{}
	for _, id := range slices.Sorted(maps.Keys(c.added)) {
		byContent[c.added[id].Content] = c.added[id]
	}
	for role, t := range c.special {
		if a, ok := byContent[t.Content]; ok {
			c.special[role] = a
		}
	}
	return c, nil
}

// readFields takes the special tokens and the length from the fields of tokenizer_config.json or special_tokens_map.json.
func (c *config) readFields(fields map[string]json.RawMessage) error {
	for _, role := range roles {
		if err := readField(fields, role, func(t tokenSpec) { c.special[role] = t }); err != nil {
			return err
		}
	}
	if err := readField(fields, "extra_special_tokens", func(t []tokenSpec) { c.extra = t }); err != nil {
		return err
	}
	if err := readField(fields, "additional_special_tokens", func(t []tokenSpec) { c.additional = t }); err != nil {
		return err
	}
	for _, name := range [...]string{"padding_side", "truncation_side"} {
		var side string
		if err := readField(fields, name, func(s string) { side = s }); err != nil {
			return err
		}
		if side != "" && side != "right" {
			return fmt.Errorf("%s is %q, CLIP's is \"right\"", name, side)
		}
	}
	length := float64(clipLength)
	if err := readField(fields, "model_max_length", func(n float64) { length = n }); err != nil {
		return err
	}
	switch {
	case length < 2 || length != math.Trunc(length):
		return fmt.Errorf("model_max_length is %v, it must be a whole number of 2 or more", length)
	case length > 1<<30: // transformers writes 1e30 for no limit
		length = clipLength
	}
	c.maxLength = int(length)
	return nil
}

// readField hands the field to set, unless it is absent or null.
func readField[T any](fields map[string]json.RawMessage, name string, set func(T)) error {
	raw, ok := fields[name]
	if !ok || string(raw) == "null" {
		return nil
	}
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	set(v)
	return nil
}

func (c *config) readDecoder(raw json.RawMessage) error {
	var tokens map[string]tokenSpec
	if err := json.Unmarshal(raw, &tokens); err != nil {
		return err
	}
	for key, t := range tokens {
		id, err := strconv.ParseInt(key, 10, 32)
		if err != nil || id < 0 {
			return fmt.Errorf("%q is no token id", key)
		}
		c.added[int32(id)] = t
	}
	return nil
}

// readOlder reads special_tokens_map.json and added_tokens.json, and takes the added tokens of tokenizer.json.
func (c *config) readOlder(fsys fs.FS, inVocabulary []savedToken) error {
	fields := map[string]json.RawMessage{}
	if err := readOptional(fsys, specialTokensFile, &fields); err != nil {
		return err
	}
	mapped := config{special: map[string]tokenSpec{}}
	if err := mapped.readFields(fields); err != nil {
		return fmt.Errorf("%s: %w", specialTokensFile, err)
	}
	for role, t := range mapped.special {
		t.Special = !t.isString
		c.special[role] = t
	}
	for _, t := range mapped.extra {
		t.Special = !t.isString
		c.extra = append(c.extra, t)
	}

	special := map[string]bool{}
	for _, t := range c.special {
		special[t.Content] = true
	}
	for _, t := range c.extra {
		special[t.Content] = true
	}
	ids := map[string]int32{}
	if err := readOptional(fsys, addedTokensFile, &ids); err != nil {
		return err
	}
	for content, id := range ids {
		c.added[id] = tokenSpec{Content: content, Special: special[content]}
	}
	if len(ids) != len(c.added) {
		return fmt.Errorf("%s: two tokens have one id", addedTokensFile)
	}
	for _, t := range inVocabulary {
		c.added[t.ID] = t.tokenSpec
	}
	if len(c.extra) == 0 { // only now: these do not make a token of added_tokens.json special
		c.extra = mapped.additional
	}
	return nil
}

// token returns the token of a role.
func (c *config) token(role string) (t tokenSpec, ok bool) {
	if t, ok = c.special[role]; ok {
		return t, true
	}
	content, ok := defaults[role]
	return tokenSpec{Content: content, isString: true}, ok
}

// tokens returns every token to add, in order. A later one of the same content replaces an earlier one.
func (c *config) tokens() []tokenSpec {
	var add []tokenSpec
	listed := map[string]bool{}
	for _, id := range slices.Sorted(maps.Keys(c.added)) {
		add = append(add, c.added[id])
		listed[c.added[id].Content] = true
	}
	named := map[string]bool{}
	var special []tokenSpec
	for _, role := range roles {
		if t, ok := c.token(role); ok {
			special = append(special, t)
			named[t.Content] = true
		}
	}
	for _, t := range append(special, c.extra...) {
		if !listed[t.Content] && !slices.ContainsFunc(add, t.same) {
			add = append(add, t)
		}
	}
	for i, t := range add {
		add[i].Special = t.Special || t.isString || named[t.Content]
	}
	return add
}

// readOptional parses a JSON file into v, and leaves v alone if there is no such file.
func readOptional(fsys fs.FS, name string, v any) error {
	if err := readJSON(fsys, name, v); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
