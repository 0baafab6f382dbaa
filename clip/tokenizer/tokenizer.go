// Package tokenizer turns text into the token ids of CLIP's byte-level BPE.
//
// It gives the ids of transformers 5's CLIPTokenizer for any text: added tokens are cut out, then each
// piece is composed (NFC), its white space collapsed and its letters lowered, then it is split into words,
// and the bytes of each word are merged by rank (Sennrich et al., arXiv:1508.07909). There is no ftfy and no HTML unescaping:
// OpenAI's first tokenizer had them, the one that diffusers runs has not.
//
// Bytes that are no UTF-8 are read as Python's bytes.decode("utf-8", "replace") reads them: U+FFFD for
// each maximal part of a broken sequence.
package tokenizer

import (
	"fmt"
	"strings"
	"unicode"
)

// Tokenizer is a CLIP tokenizer. It is immutable: any number of goroutines may use one.
type Tokenizer struct {
	bpe           *bpe
	added         map[string]addedToken // by content
	addedByID     map[int32]addedToken
	plain         *matcher // added tokens sought in the text as it is written
	normalized    *matcher // added tokens sought after normalization
	bos, eos, pad int32
	maxLength     int
	vocabSize     int
}

// Encode returns the ids of text between the BOS and EOS ids, neither cut nor padded:
// tokenizer(text).input_ids of transformers.
func (t *Tokenizer) Encode(text string) []int32 {
	return append(t.appendText([]int32{t.bos}, text), t.eos)
}

// EncodeBare returns the ids of text without BOS and EOS.
func (t *Tokenizer) EncodeBare(text string) []int32 {
	return t.appendText(nil, text)
}

// EncodePadded returns exactly n ids: BOS, the first n-2 ids of text, EOS, and the padding id up to n. It is
// tokenizer(text, padding="max_length", max_length=n, truncation=True).input_ids of transformers.
// It panics if n is below 2, which has no room for BOS and EOS.
func (t *Tokenizer) EncodePadded(text string, n int) []int32 {
	if n < 2 {
		panic(fmt.Sprintf("tokenizer: a padded length of %d has no room for BOS and EOS, it must be 2 or more", n))
	}
	ids := t.appendText(append(make([]int32, 0, n), t.bos), text)
	ids = append(ids[:min(len(ids), n-1)], t.eos)
	for len(ids) < n {
		ids = append(ids, t.pad)
	}
	return ids
}

func (t *Tokenizer) appendText(ids []int32, text string) []int32 {
	var m merger
	t.plain.split(replaceInvalid(text), func(piece string, tok *addedToken) {
		if tok != nil {
			ids = append(ids, tok.id)
			return
		}
		t.normalized.split(normalize(piece), func(piece string, tok *addedToken) {
			if tok != nil {
				ids = append(ids, tok.id)
				return
			}
			for word := range words(piece) {
				ids = m.merge(ids, t.bpe, word)
			}
		})
	})
	return ids
}

// Decode returns the text of ids, special tokens included: tokenizer.decode(ids) of transformers. The case and
// spacing of what was encoded are lost; ids outside the vocabulary are skipped.
func (t *Tokenizer) Decode(ids []int32) string {
	var b []byte
	for _, id := range ids {
		b = appendBytes(b, t.token(id))
	}
	text := strings.ReplaceAll(replaceInvalid(string(b)), wordEnd, " ")
	return strings.TrimFunc(text, func(r rune) bool {
		return unicode.IsSpace(r) || '\x1c' <= r && r <= '\x1f' // what Python's str.strip removes
	})
}

// token returns the spelling of id in the vocabulary, or "".
func (t *Tokenizer) token(id int32) string {
	if tok, ok := t.addedByID[id]; ok {
		return tok.pattern()
	}
	return t.bpe.tokens[id]
}

// ID returns the id of a token as the vocabulary spells it, such as "cat</w>" or "<|endoftext|>".
func (t *Tokenizer) ID(token string) (id int32, ok bool) {
	if tok, ok := t.added[token]; ok {
		return tok.id, true
	}
	id, ok = t.bpe.ids[token]
	return id, ok
}

// BOS returns the id that begins a text.
func (t *Tokenizer) BOS() int32 { return t.bos }

// EOS returns the id that ends a text, at whose position the text encoder's pooled output is read.
func (t *Tokenizer) EOS() int32 { return t.eos }

// Pad returns the id that fills a text up to the length of the text encoder.
func (t *Tokenizer) Pad() int32 { return t.pad }

// MaxLength returns model_max_length, the number of tokens that the text encoder takes; 77 where the files name none.
func (t *Tokenizer) MaxLength() int { return t.maxLength }

// VocabSize returns the number of rows that an embedding needs: one more than the largest id.
func (t *Tokenizer) VocabSize() int { return t.vocabSize }
