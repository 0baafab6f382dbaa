package prompt

import "slices"

// Length is the number of tokens of a chunk, with the marks of start and end.
const Length = 77

// room is what a chunk takes beside the marks.
const room = Length - 2

// Tokenizer is one of the model's two; see package tokenizer.
type Tokenizer interface {
	EncodeBare(text string) []int32
	ID(token string) (id int32, ok bool)
	BOS() int32
	EOS() int32
	Pad() int32
}

// Chunk is what a text encoder takes at once: Length ids, and the weight of each.
type Chunk struct {
	IDs     []int32
	Weights []float32
}

// Weighted reports whether a weight is not 1.
func (c *Chunk) Weighted() bool {
	return slices.ContainsFunc(c.Weights, func(w float32) bool { return w != 1 })
}

// Chunks turns a text into one chunk or, where the language allows it, as many
// as it fills.
func (s Syntax) Chunks(t Tokenizer, text string) []Chunk { return s.ChunksOf(t, text, nil) }

// ChunksOf is Chunks where some words have vectors of their own.
func (s Syntax) ChunksOf(t Tokenizer, text string, words []Word) []Chunk {
	spans := s.Spans(text)
	t = s.knowing(s.read(t), words)
	switch s {
	case A1111:
		return a1111Chunks(t, spans)
	case Comfy:
		return comfyChunks(t, spans)
	}
	b := builder{t: t}
	ids := t.EncodeBare(text)
	b.add(ids[:min(len(ids), room)], 1)
	b.close()
	return b.chunks
}

// Empty is the chunk of the empty text.
func Empty(t Tokenizer) Chunk {
	b := builder{t: t}
	b.close()
	return b.chunks[0]
}

// builder fills chunk after chunk.
type builder struct {
	t       Tokenizer
	chunks  []Chunk
	ids     []int32 // of the open chunk, without marks
	weights []float32
}

func (b *builder) add(ids []int32, weight float64) {
	for _, id := range ids {
		b.ids, b.weights = append(b.ids, id), append(b.weights, float32(weight))
	}
}

// close ends the open chunk and fills it up.
func (b *builder) close() {
	ids := append([]int32{b.t.BOS()}, b.ids...)
	weights := append([]float32{1}, b.weights...)
	ids = append(ids, b.t.EOS())
	for len(ids) < Length {
		ids = append(ids, b.t.Pad())
	}
	for len(weights) < Length {
		weights = append(weights, 1)
	}
	b.chunks = append(b.chunks, Chunk{ids, weights})
	b.ids, b.weights = nil, nil
}

// backtrack is how many tokens after a comma move to the next chunk rather than
// be cut.
const backtrack = 20

func a1111Chunks(t Tokenizer, spans []Span) []Chunk {
	b := builder{t: t}
	comma, hasComma := t.ID(",</w>")
	last := -1 // place of the last comma in the open chunk
	next := func() {
		b.close()
		last = -1
	}
	for _, span := range spans {
		if span.Break {
			next()
			continue
		}
		for _, id := range t.EncodeBare(span.Text) {
			full := len(b.ids) == room
			if hasComma && id == comma {
				last = len(b.ids)
			} else if full && last >= 0 && len(b.ids)-last <= backtrack {
				ids, weights := b.ids[last+1:], b.weights[last+1:]
				b.ids, b.weights = b.ids[:last+1], b.weights[:last+1]
				next()
				b.ids, b.weights = ids, weights
			}
			if len(b.ids)+min(together(t, id), room) > room {
				next()
			}
			b.add([]int32{id}, span.Weight)
		}
	}
	if len(b.ids) > 0 || len(b.chunks) == 0 {
		next()
	}
	// A mark of the end within the text ends it, where padding is another token.
	if t.Pad() != t.EOS() {
		for _, c := range b.chunks {
			for i := slices.Index(c.IDs, t.EOS()) + 1; i < Length; i++ {
				c.IDs[i] = t.Pad()
			}
		}
	}
	return b.chunks
}

// large is the number of tokens from which a part is cut at the end of a chunk;
// shorter ones move to the next.
const large = 8

func comfyChunks(t Tokenizer, spans []Span) []Chunk {
	b := builder{t: t}
	for _, span := range spans {
		ids := t.EncodeBare(span.Text)
		breaks := len(ids) >= large
		for len(ids) > 0 {
			if free := room - len(b.ids); len(ids) > free {
				if breaks {
					b.add(ids[:free], span.Weight)
					ids = ids[free:]
				}
				b.close()
				continue
			}
			b.add(ids, span.Weight)
			ids = nil
		}
	}
	b.close()
	return b.chunks
}
