package tokenizer

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"sync"
)

// clipMerges are the 48,894 merges that CLIP uses; see LICENSE.clip for their source.
//
//go:embed clip_merges.txt.gz
var clipMerges []byte

// CLIPL returns CLIP's own tokenizer as the ViT-L text encoder has it, padded with <|endoftext|>. Its vocabulary is
// embedded, for checkpoints of a single file, which carry none.
func CLIPL() *Tokenizer { return clipL() }

// CLIPG returns CLIP's own tokenizer as the OpenCLIP bigG text encoder has it, padded with "!", whose id is 0.
func CLIPG() *Tokenizer { return clipG() }

var (
	clipModel = sync.OnceValue(readCLIP)
	clipL     = sync.OnceValue(func() *Tokenizer { return buildCLIP(endOfText) })
	clipG     = sync.OnceValue(func() *Tokenizer { return buildCLIP("!") })
)

func buildCLIP(pad string) *Tokenizer {
	c := &config{maxLength: clipLength, special: map[string]tokenSpec{"pad_token": {Content: pad, isString: true}}}
	t, err := build(clipModel(), c)
	if err != nil {
		panic(fmt.Sprintf("tokenizer: embedded vocabulary: %v", err)) // a broken build
	}
	return t
}

// readCLIP rebuilds the vocabulary, whose order is that of the bytes, the bytes that end a word, the merges, and the two marks.
func readCLIP() *model {
	text, err := gunzip(clipMerges)
	if err != nil {
		panic(fmt.Sprintf("tokenizer: embedded merges: %v", err))
	}
	m := &model{vocabSource: "embedded vocabulary"}
	if m.merges, err = parseMerges(string(text)); err != nil {
		panic(fmt.Sprintf("tokenizer: embedded merges: %v", err))
	}
	m.vocab = make(map[string]int32, 2*len(byteRunes)+len(m.merges)+2)
	add := func(token string) { m.vocab[token] = int32(len(m.vocab)) }
	symbols := byteSymbols()
	for _, s := range symbols {
		add(s)
	}
	for _, s := range symbols {
		add(s + wordEnd)
	}
	for _, p := range m.merges {
		add(p[0] + p[1])
	}
	add(startOfText)
	add(endOfText)
	return m
}

// byteSymbols returns the characters of the byte alphabet by code point, which puts printable bytes first.
func byteSymbols() []string {
	var printable, others []string
	for b, r := range byteRunes {
		if int(r) == b {
			printable = append(printable, string(r))
		} else {
			others = append(others, string(r))
		}
	}
	return append(printable, others...)
}

func gunzip(b []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}
