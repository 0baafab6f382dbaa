package request

import (
	"cmp"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/df65613c/easel/internal/ptr"
	"github.com/df65613c/easel/sdxl"
)

// Style is a template for prompts.
type Style struct {
	Prompt   string `json:"prompt"` // holds {prompt} once, where the text goes
	Negative string `json:"negative_prompt,omitempty"`
}

// Styles are templates by the name that style_preset gives.
type Styles map[string]Style

//go:embed styles.json
var builtinStyles string

// DefaultStyles returns easel's templates for the style presets of the v1 API.
func DefaultStyles() Styles {
	s, err := ReadStyles(strings.NewReader(builtinStyles))
	if err != nil {
		panic(err) // a test reads them
	}
	return s
}

// promptSlot is where a template takes the text.
const promptSlot = "{prompt}"

// ReadStyles reads templates from JSON as styles.json has them.
func ReadStyles(r io.Reader) (Styles, error) {
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	var s Styles
	if err := d.Decode(&s); err != nil {
		return nil, fmt.Errorf("styles: %w", err)
	}
	for _, name := range s.Names() {
		if strings.Count(s[name].Prompt, promptSlot) != 1 {
			return nil, fmt.Errorf("styles: prompt of %q is %q, want %s in it once", name, s[name].Prompt, promptSlot)
		}
	}
	return s, nil
}

// Names lists the styles, sorted.
func (s Styles) Names() []string { return slices.Sorted(maps.Keys(s)) }

// misspelled are names that the v1 API's own page has for styles.
var misspelled = map[string]string{"3dmode": "3dmodel"}

// named finds a style by its name, case, spaces and signs aside, or as the API's
// page spells it.
func (s Styles) named(name string) (Style, bool) {
	if style, ok := s[name]; ok {
		return style, true
	}
	key := styleKey(name)
	key = cmp.Or(misspelled[key], key)
	for _, other := range s.Names() {
		if styleKey(other) == key {
			return s[other], true
		}
	}
	return Style{}, false
}

func styleKey(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// Apply puts the prompts of o into a style's template and adds what the style
// wants less of to the negative prompt.
func (s Styles) Apply(o *sdxl.Options, name string) error {
	style, ok := s.named(name)
	if !ok {
		return fmt.Errorf("no style %q; there are %s", name, strings.Join(s.Names(), ", "))
	}
	if o.Prompts == nil {
		o.Prompt = style.positive(o.Prompt)
		if style.Negative != "" || o.Negative != nil {
			negative := style.negative(ptr.Or(o.Negative, ""))
			o.Negative = &negative
		}
		return nil
	}
	prompts, negative := slices.Clone(o.Prompts), style.Negative == ""
	for i := range prompts {
		if p := &prompts[i]; p.Weight > 0 {
			p.Text = style.positive(p.Text)
		} else if p.Weight < 0 {
			p.Text, negative = style.negative(p.Text), true
		}
	}
	if !negative {
		prompts = append(prompts, sdxl.WeightedPrompt{Text: style.Negative, Weight: -1})
	}
	o.Prompts = prompts
	return nil
}

func (s Style) positive(text string) string { return strings.Replace(s.Prompt, promptSlot, text, 1) }

func (s Style) negative(text string) string {
	if text == "" || s.Negative == "" {
		return text + s.Negative
	}
	return text + ", " + s.Negative
}
