package clip

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/df65613c/easel/clip/tokenizer"
)

// texts turns texts into ids for a tower.
type texts interface {
	// encode returns the ids of a text, at most n, and whether it was cut.
	encode(text string, n int) (ids []int32, cut bool)
}

// clipTexts begin and end with marks, and are as long as they are.
type clipTexts struct{ *tokenizer.Tokenizer }

func (t clipTexts) encode(text string, n int) ([]int32, bool) {
	ids := t.Encode(text)
	if len(ids) <= n {
		return ids, false
	}
	ids = ids[:n]
	ids[n-1] = t.EOS()
	return ids, true
}

// siglipTexts are of one length, for SigLIP reads the padding too.
type siglipTexts struct {
	tokenizer interface {
		EncodeCut(text string, n int) (ids []int32, cut bool)
		Pad() int32
	}
}

func (t siglipTexts) encode(text string, n int) ([]int32, bool) {
	ids, cut := t.tokenizer.EncodeCut(text, n)
	for len(ids) < n {
		ids = append(ids, t.tokenizer.Pad())
	}
	return ids, cut
}

// loadTexts reads the tokenizer of a folder, which may lie in a folder of its own.
func loadTexts(fsys fs.FS, siglip bool) (texts, error) {
	if _, err := fs.Stat(fsys, "tokenizer"); err == nil {
		if fsys, err = fs.Sub(fsys, "tokenizer"); err != nil {
			return nil, err
		}
	}
	if siglip {
		first, err := tokenizer.LoadSigLIP(fsys)
		if !errors.Is(err, fs.ErrNotExist) {
			return siglipTexts{first}, err
		}
		second, err := tokenizer.LoadGemma(fsys)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("SigLIP needs its tokenizer, and there is no spiece.model: %w", err)
		}
		return siglipTexts{second}, err
	}
	t, err := tokenizer.Load(fsys)
	if errors.Is(err, fs.ErrNotExist) { // all CLIP models have OpenAI's
		return clipTexts{tokenizer.CLIPL()}, nil
	}
	return clipTexts{t}, err
}
