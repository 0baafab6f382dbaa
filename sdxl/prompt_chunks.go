package sdxl

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/tensor"
)

// encodedTexts are texts as chunks of 77 tokens. Texts that have a chunk in
// common, such as those of a prompt that changes from step to step, share it.
type encodedTexts struct {
	of            map[PromptText][]*encodedChunk
	width, pooled int // of a token, and of the pooled embedding
}

// encodedChunk is the output of the text encoders for a chunk.
type encodedChunk struct {
	context []float32 // [77,L+G], weighted
	pooled  []float32 // [P]
	ids     [2][]int32
}

// textsBeside is how much of them memoryBeside has room for.
const textsBeside = 8 << 20

// bytes returns how much memory they take.
func (e *encodedTexts) bytes() int64 {
	n, seen := 0, make(map[*encodedChunk]bool)
	for _, chunks := range e.of {
		for _, c := range chunks {
			if !seen[c] {
				seen[c] = true
				n += len(c.context) + len(c.pooled)
			}
		}
	}
	return int64(n) * int64(tensor.F32.Size())
}

// pair is a chunk as the two encoders read it.
type pair struct{ l, g prompt.Chunk }

// key is the same for chunks that are encoded the same.
func (p *pair) key() string {
	var b []byte
	for _, c := range []prompt.Chunk{p.l, p.g} {
		for i, id := range c.IDs {
			b = binary.LittleEndian.AppendUint32(b, uint32(id))
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(c.Weights[i]))
		}
	}
	return string(b)
}

// pairs returns a text's chunks for both encoders, the shorter list filled up
// with empty ones.
func (m *Model) pairs(o PromptOptions, t PromptText) []pair {
	s := o.Syntax
	l, g := s.ChunksOf(m.TokenizerL, t.L, o.inverted.wordsOf(0)), s.ChunksOf(m.TokenizerG, t.G, o.inverted.wordsOf(1))
	pairs := make([]pair, max(len(l), len(g)))
	for i := range pairs {
		pairs[i] = pair{prompt.Empty(m.TokenizerL), prompt.Empty(m.TokenizerG)}
		if i < len(l) {
			pairs[i].l = l[i]
		}
		if i < len(g) {
			pairs[i].g = g[i]
		}
	}
	return pairs
}

// chunksAtOnce bounds the memory of the text encoders.
const chunksAtOnce = 32

// encodeTexts encodes texts, each different chunk of them once.
func (p *Pipeline) encodeTexts(ctx context.Context, texts []PromptText, o PromptOptions) (*encodedTexts, error) {
	e := &encodedTexts{of: make(map[PromptText][]*encodedChunk, len(texts))}
	seen := make(map[string]*encodedChunk)
	var pairs []pair
	var chunks []*encodedChunk
	for _, t := range texts {
		for _, c := range p.model.pairs(o, t) {
			if err := checkWeights(c.l.Weights); err != nil {
				return nil, err
			}
			key := c.key()
			if seen[key] == nil {
				seen[key] = &encodedChunk{ids: [2][]int32{c.l.IDs, c.g.IDs}}
				pairs, chunks = append(pairs, c), append(chunks, seen[key])
			}
			e.of[t] = append(e.of[t], seen[key])
		}
	}
	for from := 0; from < len(pairs); from += chunksAtOnce {
		to := min(from+chunksAtOnce, len(pairs))
		if err := p.encodePairs(ctx, pairs[from:to], chunks[from:to], o); err != nil {
			return nil, err
		}
	}
	e.width, e.pooled = len(chunks[0].context)/prompt.Length, len(chunks[0].pooled)
	return e, nil
}

// encodePairs encodes chunks with both encoders.
func (p *Pipeline) encodePairs(ctx context.Context, pairs []pair, to []*encodedChunk, o PromptOptions) error {
	l, g := make([]prompt.Chunk, len(pairs)), make([]prompt.Chunk, len(pairs))
	for i, c := range pairs {
		l[i], g[i] = c.l, c.g
	}
	hiddenL, _, err := p.encodeChunks(ctx, networkKey{graph: "clip-l", skip: o.ClipSkip, adapters: o.adapters.For(textLPart)},
		l, prompt.Empty(p.model.TokenizerL), o)
	if err != nil {
		return err
	}
	hiddenG, pooled, err := p.encodeChunks(ctx,
		networkKey{graph: "clip-g", skip: o.ClipSkip, adapters: o.adapters.For(textGPart)}, g, prompt.Empty(p.model.TokenizerG), o)
	if err != nil {
		return err
	}
	for i, c := range to {
		widthL, widthG := len(hiddenL[i])/prompt.Length, len(hiddenG[i])/prompt.Length
		c.context = make([]float32, 0, prompt.Length*(widthL+widthG))
		for t := range prompt.Length {
			c.context = append(c.context, hiddenL[i][t*widthL:(t+1)*widthL]...)
			c.context = append(c.context, hiddenG[i][t*widthG:(t+1)*widthG]...)
		}
		c.pooled = append([]float32(nil), pooled[i]...)
	}
	return nil
}

// encodeChunks returns the weighted hidden states of each chunk [77,C], and its
// pooled embedding [P].
func (p *Pipeline) encodeChunks(ctx context.Context, encoder networkKey, chunks []prompt.Chunk, empty prompt.Chunk,
	o PromptOptions) (hidden, pooled [][]float32, err error) {
	var ids []int32
	for _, c := range append(chunks, empty) {
		ids = append(ids, c.IDs...)
	}
	which, text := 0, p.model.TextL
	if encoder.graph == "clip-g" {
		which, text = 1, p.model.TextG
	}
	vectors, err := o.inverted.inject(which, text, ids)
	if err != nil {
		return nil, nil, err
	}
	in, err := tensor.FromSlice(ids, len(chunks)+1, prompt.Length)
	if err != nil {
		return nil, nil, err
	}
	states, pools, err := p.encode(ctx, encoder, in, vectors)
	if err != nil {
		return nil, nil, err
	}
	rowOf := func(t *tensor.Tensor, i int) []float32 {
		v := t.Float32s()
		n := len(v) / (len(chunks) + 1)
		return v[i*n : (i+1)*n]
	}
	nothing := rowOf(states, len(chunks))
	for i, c := range chunks {
		z := rowOf(states, i)
		if c.Weighted() {
			if err := emphasise(o.Syntax, z, nothing, c.Weights); err != nil {
				return nil, nil, err
			}
		}
		hidden, pooled = append(hidden, z), append(pooled, rowOf(pools, i))
	}
	return hidden, pooled, nil
}
