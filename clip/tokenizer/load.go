package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/df65613c/easel/internal/sniff"
)

// maxFileSize bounds what is read into memory: CLIP's own files have about 3 MB.
const maxFileSize = 64 << 20

// Load reads a tokenizer from the root of fsys, a folder as Hugging Face publishes it: tokenizer.json, or else vocab.json and merges.txt;
// and, where present, tokenizer_config.json, special_tokens_map.json and added_tokens.json.
//
// As in transformers' CLIPTokenizer the normalizer and the splitting into words are always CLIP's: of tokenizer.json
// only the vocabulary, the merges and the added tokens are taken.
func Load(fsys fs.FS) (*Tokenizer, error) {
	m, err := readModel(fsys)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	c, err := readConfig(fsys, m.added)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	t, err := build(m, c)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

// model is what the large files hold.
type model struct {
	vocab       map[string]int32
	merges      [][2]string
	added       []savedToken
	vocabSource string // names the files in errors
}

// savedToken is an entry of added_tokens in tokenizer.json.
type savedToken struct {
	ID int32
	tokenSpec
}

func (t *savedToken) UnmarshalJSON(b []byte) error {
	var id struct {
		ID *int32 `json:"id"`
	}
	if err := json.Unmarshal(b, &id); err != nil {
		return err
	}
	if id.ID == nil || *id.ID < 0 {
		return errors.New("an added token has no id, or a negative one")
	}
	t.ID = *id.ID
	return json.Unmarshal(b, &t.tokenSpec)
}

func readModel(fsys fs.FS) (*model, error) {
	m, err := readTokenizerJSON(fsys)
	if !errors.Is(err, fs.ErrNotExist) {
		return m, err
	}
	m = &model{vocabSource: vocabFile + " with " + mergesFile}
	if err := readJSON(fsys, vocabFile, &m.vocab); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is neither %s nor %s: %w", tokenizerFile, vocabFile, err)
	} else if err != nil {
		return nil, err
	}
	text, err := readFile(fsys, mergesFile)
	if err != nil {
		return nil, err
	}
	if what := sniff.Replaced(text); what != "" {
		return nil, fmt.Errorf("%s: no merges but %s", mergesFile, what)
	}
	if m.merges, err = parseMerges(string(text)); err != nil {
		return nil, fmt.Errorf("%s: %w", mergesFile, err)
	}
	return m, nil
}

func readTokenizerJSON(fsys fs.FS) (*model, error) {
	var file struct {
		Added []savedToken `json:"added_tokens"`
		Model struct {
			Type   string           `json:"type"`
			Vocab  map[string]int32 `json:"vocab"`
			Merges []mergePair      `json:"merges"`
		} `json:"model"`
	}
	if err := readJSON(fsys, tokenizerFile, &file); err != nil {
		return nil, err
	}
	if kind := file.Model.Type; kind != "" && kind != "BPE" {
		return nil, fmt.Errorf("%s: model.type is %q, CLIP's is \"BPE\"", tokenizerFile, kind)
	}
	m := &model{vocab: file.Model.Vocab, added: file.Added, vocabSource: tokenizerFile}
	for _, p := range file.Model.Merges {
		m.merges = append(m.merges, p)
	}
	return m, nil
}

// mergePair is written as ["a", "b"] or "a b".
type mergePair [2]string

func (p *mergePair) UnmarshalJSON(b []byte) error {
	var parts []string
	var line string
	if json.Unmarshal(b, &line) == nil {
		parts = strings.Split(line, " ")
	} else if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) != 2 {
		return fmt.Errorf("the merge %s has not two parts", b)
	}
	*p = mergePair(parts)
	return nil
}

// parseMerges reads a merge a line, two tokens with a space between.
func parseMerges(text string) ([][2]string, error) {
	var merges [][2]string
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if strings.HasPrefix(line, "#version") {
			continue
		}
		left, right, ok := strings.Cut(line, " ")
		if !ok || strings.Contains(right, " ") {
			return nil, fmt.Errorf("line %d: %.80q is not two tokens with a space between", n, line)
		}
		merges = append(merges, [2]string{left, right})
	}
	return merges, nil
}

// build puts the tokenizer together.
func build(m *model, c *config) (*Tokenizer, error) {
	if len(m.vocab) == 0 {
		return nil, fmt.Errorf("%s: no vocabulary", m.vocabSource)
	}
	t := &Tokenizer{maxLength: c.maxLength}
	unknown, _ := c.token("unk_token")
	var err error
	if t.bpe, err = newBPE(m.vocab, m.merges, unknown.Content); err != nil {
		return nil, fmt.Errorf("%s: %w", m.vocabSource, err)
	}
	if err := t.add(c.tokens()); err != nil {
		return nil, err
	}
	for id := range t.bpe.tokens {
		t.vocabSize = max(t.vocabSize, int(id)+1)
	}
	for id := range t.addedByID {
		t.vocabSize = max(t.vocabSize, int(id)+1)
	}
	for role, id := range map[string]*int32{"bos_token": &t.bos, "eos_token": &t.eos, "pad_token": &t.pad} {
		tok, _ := c.token(role)
		var ok bool
		if *id, ok = t.ID(tok.Content); !ok {
			return nil, fmt.Errorf("%s is empty", role)
		}
	}
	return t, nil
}

// add makes specs added tokens. Those that the vocabulary lacks get the ids after it.
func (t *Tokenizer) add(specs []tokenSpec) error {
	t.added = map[string]addedToken{}
	t.addedByID = map[int32]addedToken{}
	next := int32(len(t.bpe.ids))
	for _, s := range specs {
		if s.Content == "" {
			continue
		}
		id, ok := t.ID(s.Content)
		if !ok {
			id = next
			next++
			if other, ok := t.bpe.tokens[id]; ok {
				return fmt.Errorf("the added token %q needs the id %d after the vocabulary, which is the id of %q", s.Content, id, other)
			}
		}
		tok := addedToken{s.Content, id, s.SingleWord, s.LStrip, s.RStrip, s.isNormalized()}
		t.added[s.Content], t.addedByID[id] = tok, tok
	}
	var plain, normalized []*addedToken
	for _, tok := range t.added {
		if tok.normalized {
			normalized = append(normalized, &tok)
		} else {
			plain = append(plain, &tok)
		}
	}
	var err error
	if t.plain, err = newMatcher(plain); err == nil {
		t.normalized, err = newMatcher(normalized)
	}
	return err
}

func readJSON(fsys fs.FS, name string, v any) error {
	b, err := readFile(fsys, name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", name, sniff.JSON(b, err))
	}
	return nil
}

func readFile(fsys fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(fsys, name)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxFileSize {
		return nil, fmt.Errorf("%s: %d bytes, a tokenizer's file has at most %d", name, info.Size(), maxFileSize)
	}
	return fs.ReadFile(fsys, name)
}
