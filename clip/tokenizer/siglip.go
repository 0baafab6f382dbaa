package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"

	"github.com/df65613c/easel/internal/sniff"
)

const piecesFile = "spiece.model"

// SigLIP is SigLIP's first tokenizer: pieces of SentencePiece, of texts in lower
// case without punctuation. It gives the ids of transformers' SiglipTokenizer. It
// is immutable: any number of goroutines may use one.
type SigLIP struct {
	pieces   *pieces
	added    *matcher
	eos, pad int32
	lead     string // the unknown mark, which goes before what is cut
	leading  int    // pieces of it, which are dropped again
	lower    bool
}

// LoadSigLIP reads spiece.model and tokenizer_config.json at the root of fsys.
func LoadSigLIP(fsys fs.FS) (*SigLIP, error) {
	t, err := loadSigLIP(fsys)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	return t, nil
}

func loadSigLIP(fsys fs.FS) (*SigLIP, error) {
	data, err := readFile(fsys, piecesFile)
	if err != nil {
		return nil, err
	}
	if what := sniff.Name(data); what != "" {
		return nil, fmt.Errorf("%s: no pieces but %s", piecesFile, what)
	}
	t := &SigLIP{lower: true}
	if t.pieces, err = parsePieces(data); err != nil {
		return nil, fmt.Errorf("%s: %w", piecesFile, err)
	}
	config := struct {
		Lower *bool     `json:"do_lower_case"`
		EOS   tokenSpec `json:"eos_token"`
		Pad   tokenSpec `json:"pad_token"`
		Unk   tokenSpec `json:"unk_token"`
	}{EOS: tokenSpec{Content: "</s>"}, Pad: tokenSpec{Content: "</s>"}, Unk: tokenSpec{Content: "<unk>"}}
	if err := readOptional(fsys, configFile, &config); err != nil {
		return nil, err
	}
	if config.Lower != nil {
		t.lower = *config.Lower
	}
	var added []*addedToken
	for _, mark := range []struct {
		role string
		spec tokenSpec
		id   *int32
	}{{"eos_token", config.EOS, &t.eos}, {"pad_token", config.Pad, &t.pad}, {"unk_token", config.Unk, nil}} {
		id, ok := t.pieces.all[mark.spec.Content]
		if !ok {
			return nil, fmt.Errorf("%s: %s is %q, which %s lacks", configFile, mark.role, mark.spec.Content, piecesFile)
		}
		if mark.id != nil {
			*mark.id = id
		}
		if mark.role != "pad_token" || mark.spec.Content != config.EOS.Content {
			added = append(added, &addedToken{content: mark.spec.Content, id: id, lstrip: true, rstrip: true})
		}
	}
	t.lead = config.Unk.Content
	t.leading = len(t.pieces.encode(t.lead))
	if t.added, err = newMatcher(added); err != nil {
		return nil, err
	}
	if t.pieces.longest == 0 {
		return nil, errors.New(piecesFile + ": no pieces")
	}
	return t, nil
}

// Pad returns the id that fills a text up.
func (t *SigLIP) Pad() int32 { return t.pad }

// EncodeCut returns the ids of text and the mark of its end, the first n of them,
// of which the last is the mark, and whether some did not fit.
func (t *SigLIP) EncodeCut(text string, n int) (ids []int32, cut bool) {
	var list []string
	special := -1 // the first mark in the text
	t.added.split(spaceMark+strings.ReplaceAll(replaceInvalid(text), spaceMark, " "), func(piece string, tok *addedToken) {
		if tok != nil {
			if special < 0 {
				special = len(list)
			}
			list = append(list, tok.content)
			return
		}
		list = append(list, t.cut(piece)...)
	})
	if len(list) > 1 && list[0] == spaceMark && special == 1 {
		list = list[1:]
	}
	for _, piece := range list {
		ids = append(ids, t.pieces.id(piece))
	}
	if len(ids) > n-1 {
		ids, cut = ids[:n-1], true
	}
	if len(ids) > 0 && ids[len(ids)-1] == t.eos {
		return ids, cut
	}
	return append(ids, t.eos), cut
}

// cut returns the pieces of a text, behind the unknown mark as the reference has
// it, which keeps the space at the start.
func (t *SigLIP) cut(text string) []string {
	if t.lower {
		text = pythonLower(text)
	}
	text = strings.Map(func(r rune) rune {
		if r < 0x80 && (unicode.IsPunct(r) || unicode.IsSymbol(r)) {
			return -1
		}
		return r
	}, text)
	text = strings.Join(strings.FieldsFunc(text, isPythonSpace), " ")
	list := t.pieces.encode(t.lead + text)
	if len(list) < t.leading {
		return list
	}
	return list[t.leading:]
}

func isPythonSpace(r rune) bool { return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' }

// pythonLower is Python's str.lower: letter by letter, but for a sigma that ends
// a word.
func pythonLower(s string) string {
	const sigma, small, final = 'Σ', "σ", "ς"
	if !strings.ContainsRune(s, sigma) {
		return lowered(s)
	}
	var b strings.Builder
	runes := []rune(s)
	for i, r := range runes {
		if r != sigma {
			appendLower(&b, r)
			continue
		}
		letter := func(at, step int) bool {
			for ; at >= 0 && at < len(runes); at += step {
				if !unicode.In(runes[at], unicode.Mn, unicode.Me, unicode.Cf, unicode.Lm, unicode.Sk) &&
					!strings.ContainsRune("'.:·’", runes[at]) {
					return unicode.IsLetter(runes[at])
				}
			}
			return false
		}
		if letter(i-1, -1) && !letter(i+1, 1) {
			b.WriteString(final)
		} else {
			b.WriteString(small)
		}
	}
	return b.String()
}
