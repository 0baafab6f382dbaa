package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// Gemma is Gemma's byte-pair tokenizer, as SigLIP 2 has it: spaces are the
// letter U+2581, a text is one word, and what the vocabulary lacks is spelled in
// bytes. It is immutable: any number of goroutines may use one.
type Gemma struct {
	ids            map[string]int32
	merges         map[pair]merge
	bytes          [256]int32 // ids of single bytes, or -1
	unknown, pad   int32      // -1 if there is none
	fuseUnknown    bool
	lower          bool
	added          *matcher
	before, behind []int32 // the text, such as <eos>
}

// spaceMark stands for a space.
const spaceMark = "\u2581"

// LoadGemma reads tokenizer.json and tokenizer_config.json at the root of fsys.
func LoadGemma(fsys fs.FS) (*Gemma, error) {
	t, err := loadGemma(fsys)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

// gemmaFile is a tokenizer.json of the kind.
type gemmaFile struct {
	Added      []savedToken `json:"added_tokens"`
	Normalizer step         `json:"normalizer"`
	Post       struct {
		Type   string `json:"type"`
		Single []struct {
			Special *struct {
				ID string `json:"id"`
			} `json:"SpecialToken"`
		} `json:"single"`
	} `json:"post_processor"`
	Model struct {
		Type         string           `json:"type"`
		Unknown      string           `json:"unk_token"`
		FuseUnknown  bool             `json:"fuse_unk"`
		ByteFallback bool             `json:"byte_fallback"`
		Vocab        map[string]int32 `json:"vocab"`
		Merges       []mergePair      `json:"merges"`
	} `json:"model"`
}

// step is a normalizer, of which some are lists of others.
type step struct {
	Type    string `json:"type"`
	Steps   []step `json:"normalizers"`
	Content string `json:"content"`
	Pattern struct {
		String string `json:"String"`
	} `json:"pattern"`
}

// flat returns the steps one after the other.
func (s step) flat() (all []step) {
	switch s.Type {
	case "":
		return nil
	case "Sequence":
		for _, inner := range s.Steps {
			all = append(all, inner.flat()...)
		}
		return all
	}
	return []step{s}
}

// gemmaConfig is the tokenizer_config.json.
type gemmaConfig struct {
	Class  string    `json:"tokenizer_class"`
	Lower  bool      `json:"do_lower_case"`
	AddBOS bool      `json:"add_bos_token"`
	AddEOS bool      `json:"add_eos_token"`
	BOS    tokenSpec `json:"bos_token"`
	EOS    tokenSpec `json:"eos_token"`
	Pad    tokenSpec `json:"pad_token"`
}

func loadGemma(fsys fs.FS) (*Gemma, error) {
	var file gemmaFile
	if err := readJSON(fsys, tokenizerFile, &file); err != nil {
		return nil, err
	}
	config := gemmaConfig{BOS: tokenSpec{Content: "<bos>"}, EOS: tokenSpec{Content: "<eos>"}, Pad: tokenSpec{Content: "<pad>"}}
	if err := readOptional(fsys, configFile, &config); err != nil {
		return nil, err
	}
	if file.Model.Type != "BPE" {
		return nil, fmt.Errorf("%s: model.type is %q; SigLIP 2's is \"BPE\"; of the first SigLIP easel reads spiece.model",
			tokenizerFile, file.Model.Type)
	}
	t := &Gemma{
		ids: file.Model.Vocab, fuseUnknown: file.Model.FuseUnknown, lower: config.Lower || config.Class == "Siglip2Tokenizer",
	}
	marked := false
	for _, s := range file.Normalizer.flat() {
		switch {
		case s.Type == "Lowercase":
			t.lower = true
		case s.Type == "Replace" && s.Pattern.String == " " && s.Content == spaceMark:
			marked = true
		default:
			return nil, fmt.Errorf("%s: the normalizer %s is not Gemma's", tokenizerFile, s.Type)
		}
	}
	if !marked {
		return nil, fmt.Errorf("%s: no normalizer replaces spaces by %q, as Gemma's does", tokenizerFile, spaceMark)
	}
	if err := t.addTokens(&file); err != nil {
		return nil, fmt.Errorf("%s: %w", tokenizerFile, err)
	}
	return t, t.addMarks(&file, &config)
}

// addTokens fills the tables of added tokens, bytes and merges.
func (t *Gemma) addTokens(file *gemmaFile) error {
	var added []*addedToken
	for _, a := range file.Added {
		if id, ok := t.ids[a.Content]; ok && id != a.ID {
			return fmt.Errorf("the added token %q has the id %d, and %d in the vocabulary", a.Content, a.ID, id)
		}
		if a.Content == "" {
			return errors.New("an added token is empty")
		}
		added = append(added, &addedToken{content: a.Content, id: a.ID, singleWord: a.SingleWord, lstrip: a.LStrip, rstrip: a.RStrip})
	}
	var err error
	if t.added, err = newMatcher(added); err != nil {
		return err
	}
	if t.ids == nil {
		return errors.New("no vocabulary")
	}
	for token, id := range t.ids {
		if id < 0 {
			return fmt.Errorf("token %q has the negative id %d", token, id)
		}
	}
	for b := range t.bytes {
		t.bytes[b] = -1
		if id, ok := t.ids[fmt.Sprintf("<0x%02X>", b)]; ok && file.Model.ByteFallback {
			t.bytes[b] = id
		}
	}
	t.unknown = -1
	if id, ok := t.ids[file.Model.Unknown]; ok {
		t.unknown = id
	}
	t.merges, err = mergesOf(t.ids, func(yield func([2]string) bool) {
		for _, m := range file.Model.Merges {
			if !yield(m) {
				return
			}
		}
	}, len(file.Model.Merges))
	return err
}

// addMarks finds what goes before and behind a text, and what fills it up.
func (t *Gemma) addMarks(file *gemmaFile, c *gemmaConfig) error {
	id := func(token, role string) (int32, error) {
		if id, ok := t.ids[token]; ok {
			return id, nil
		}
		i := slices.IndexFunc(file.Added, func(a savedToken) bool { return a.Content == token })
		if i < 0 {
			return 0, fmt.Errorf("%s: %s is %q, which the vocabulary lacks", tokenizerFile, role, token)
		}
		return file.Added[i].ID, nil
	}
	var marks [2][]string // before and behind
	switch file.Post.Type {
	case "TemplateProcessing":
		at := 0
		for _, part := range file.Post.Single {
			if part.Special == nil {
				at = 1
				continue
			}
			marks[at] = append(marks[at], part.Special.ID)
		}
	default:
		if c.AddBOS {
			marks[0] = []string{c.BOS.Content}
		}
		if c.AddEOS {
			marks[1] = []string{c.EOS.Content}
		}
	}
	for i, list := range []*[]int32{&t.before, &t.behind} {
		for _, token := range marks[i] {
			n, err := id(token, "a mark of post_processor")
			if err != nil {
				return err
			}
			*list = append(*list, n)
		}
	}
	var err error
	t.pad, err = id(c.Pad.Content, "pad_token")
	return err
}

// Pad returns the id that fills a text up.
func (t *Gemma) Pad() int32 { return t.pad }

// EncodeCut returns the ids of text with the marks around it, of the first ids
// as many as fit in n, and whether some did not.
func (t *Gemma) EncodeCut(text string, n int) (ids []int32, cut bool) {
	ids = t.appendText(slices.Clone(t.before), text)
	if room := max(n-len(t.behind), 0); len(ids) > room {
		ids, cut = ids[:room], true
	}
	return append(ids, t.behind...), cut
}

func (t *Gemma) appendText(ids []int32, text string) []int32 {
	var m merger
	t.added.split(replaceInvalid(text), func(piece string, tok *addedToken) {
		if tok != nil {
			ids = append(ids, tok.id)
			return
		}
		if t.lower {
			piece = lowered(piece)
		}
		m.symbols = m.symbols[:0]
		for _, r := range strings.ReplaceAll(piece, " ", spaceMark) {
			t.spell(&m, string(r))
		}
		ids = m.join(ids, t.merges)
	})
	return ids
}

// spell adds a letter, or else its bytes, or else the unknown token.
func (t *Gemma) spell(m *merger, letter string) {
	if id, ok := t.ids[letter]; ok {
		m.add(id)
		return
	}
	all := true
	for i := range len(letter) {
		all = all && t.bytes[letter[i]] >= 0
	}
	switch last := len(m.symbols) - 1; {
	case all:
		for i := range len(letter) {
			m.add(t.bytes[letter[i]])
		}
	case t.unknown >= 0 && !(t.fuseUnknown && last >= 0 && m.symbols[last].id == t.unknown):
		m.add(t.unknown)
	}
}

// lowered lowers letters one by one.
func lowered(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for _, r := range s {
		appendLower(&b, r)
	}
	return b.String()
}
