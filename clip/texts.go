package clip

import (
	"context"
	"fmt"
	"slices"

	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/tensor"
)

// EmbedTexts returns a vector of length 1 for each text. A text may be empty.
// If it has more than MaxTokens tokens, the rest is not read; TextTokens
// reports that.
func (m *Model) EmbedTexts(ctx context.Context, texts []string) ([][]float32, error) {
	if m.text == nil {
		return nil, m.lacks(ErrNoText)
	}
	flat := make([]float32, len(texts)*m.text.dim)
	if err := m.EmbedTextsInto(ctx, flat, texts); err != nil {
		return nil, err
	}
	return rowsOf(flat, m.text.dim), nil
}

// EmbedTextsInto is EmbedTexts into dst, of Dim numbers a text.
func (m *Model) EmbedTextsInto(ctx context.Context, dst []float32, texts []string) error {
	t := m.text
	if t == nil {
		return m.lacks(ErrNoText)
	}
	if err := checkRoom(dst, len(texts), t.dim); err != nil {
		return err
	}
	tokens, err := t.load()
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	const most = 4 * window // whose ids are kept at a time
	for at := 0; at < len(texts); at += most {
		items := make([]*item, min(most, len(texts)-at))
		for i := range items {
			ids, _ := tokens.encode(texts[at+i], t.limit)
			if most := slices.Max(ids); most >= t.ids {
				return fmt.Errorf("%s: text %d has the id %d, the model knows %d: the tokenizer is another model's",
					m.Path, at+i, most, t.ids)
			}
			items[i] = &item{ids: ids, dst: dst[(at+i)*t.dim:][:t.dim]}
		}
		if err := t.lane.do(ctx, items); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// TextTokens returns how many tokens of a text are read, and whether the text
// was cut because it has more.
func (m *Model) TextTokens(text string) (n int, cut bool, err error) {
	if m.text == nil {
		return 0, false, m.lacks(ErrNoText)
	}
	tokens, err := m.text.load()
	if err != nil {
		return 0, false, fmt.Errorf("%s: %w", m.Path, err)
	}
	ids, cut := tokens.encode(text, m.text.limit)
	return len(ids), cut, nil
}

// run computes the vectors of a batch of texts.
func (t *textTower) run(ctx context.Context, batch []*item) (vectors []float32, err error) {
	s := shape{batch: len(batch)}
	for _, it := range batch {
		s.tokens = max(s.tokens, len(it.ids))
	}
	record := func() (program.Network, error) {
		g, err := t.record(s.batch, s.tokens)
		return program.Network{Graph: g, File: t.file}, err
	}
	err = t.use(ctx, s, record, func(c *compiled) error {
		ids, err := tensor.Data[int32](c.src[0])
		if err != nil {
			return err
		}
		for i, it := range batch {
			row := ids[i*s.tokens : (i+1)*s.tokens]
			n := copy(row, it.ids)
			for j := n; j < len(row); j++ { // behind the end, which nothing before it sees
				row[j] = it.ids[n-1]
			}
		}
		if err := c.Run(ctx, nn.Tensors(c.dst...), nn.Tensors(c.src...)); err != nil {
			return err
		}
		vectors = append(vectors, c.dst[0].Float32s()...)
		return nil
	})
	return vectors, err
}

// batchCost is what a batch costs beside its tokens, in tokens: weights are read
// and packed once a batch.
const batchCost = 128

// cutByLength returns the batch that the item first of some belongs to, if all
// of them, which are sorted by length, are cut where the least is computed.
func cutByLength(sorted []*item, first int) (from, to int) {
	n := len(sorted)
	cost, begin := make([]int, n+1), make([]int, n+1) // of the first items, by their number, and of their last batch
	for i := 1; i <= n; i++ {
		tokens := max(len(sorted[i-1].ids), 1)
		most := min(max(rowsAtOnce/tokens, 1), mostInBatch)
		for j := i - 1; j >= max(0, i-most); j-- {
			if c := cost[j] + batchCost + (i-j)*tokens; j == i-1 || c < cost[i] {
				cost[i], begin[i] = c, j
			}
		}
	}
	for to = n; begin[to] > first; to = begin[to] {
	}
	return begin[to], to
}

func (m *Model) lacks(err error) error { return fmt.Errorf("%s: %w", m.Path, err) }
