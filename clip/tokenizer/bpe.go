package tokenizer

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
)

// wordEnd marks the symbol that ends a word.
const wordEnd = "</w>"

// bpe is a vocabulary and its merges.
type bpe struct {
	ids    map[string]int32
	tokens map[int32]string
	inner  [256]int32 // id of each byte inside a word
	last   [256]int32 // id of each byte that ends a word
	merges map[pair]merge
}

type pair struct{ left, right int32 }

type merge struct {
	rank uint32 // the lowest is merged first
	id   int32
}

// newBPE builds the model from a vocabulary and its merges in order of rank. Bytes that the vocabulary lacks become unknown.
func newBPE(vocab map[string]int32, merges [][2]string, unknown string) (*bpe, error) {
	m := &bpe{ids: vocab, tokens: make(map[int32]string, len(vocab))}
	for token, id := range vocab {
		if id < 0 {
			return nil, fmt.Errorf("token %q has the negative id %d", token, id)
		}
		if other, ok := m.tokens[id]; ok {
			return nil, fmt.Errorf("tokens %q and %q have the same id %d", min(token, other), max(token, other), id)
		}
		m.tokens[id] = token
	}
	var err error
	if m.merges, err = mergesOf(vocab, slices.Values(merges), len(merges)); err != nil {
		return nil, err
	}
	for b, r := range byteRunes {
		var errInner, errLast error
		m.inner[b], errInner = m.byteID(string(r), unknown)
		m.last[b], errLast = m.byteID(string(r)+wordEnd, unknown)
		if err := cmp.Or(errInner, errLast); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// mergesOf returns the table of n merges in order of rank.
func mergesOf(vocab map[string]int32, merges iter.Seq[[2]string], n int) (map[pair]merge, error) {
	table := make(map[pair]merge, n)
	var joined []byte // so that a look-up allocates nothing
	i := 0
	for parts := range merges {
		left, okLeft := vocab[parts[0]]
		right, okRight := vocab[parts[1]]
		joined = append(append(joined[:0], parts[0]...), parts[1]...)
		id, ok := vocab[string(joined)]
		switch {
		case !okLeft:
			return nil, unknownToken(i, parts, parts[0])
		case !okRight:
			return nil, unknownToken(i, parts, parts[1])
		case !ok:
			return nil, unknownToken(i, parts, parts[0]+parts[1])
		}
		table[pair{left, right}] = merge{uint32(i), id}
		i++
	}
	return table, nil
}

func unknownToken(i int, parts [2]string, token string) error {
	return fmt.Errorf("merge %d (%q %q) names %q, which the vocabulary lacks", i+1, parts[0], parts[1], token)
}

func (m *bpe) byteID(symbol, unknown string) (int32, error) {
	if id, ok := m.ids[symbol]; ok {
		return id, nil
	}
	if id, ok := m.ids[unknown]; ok {
		return id, nil
	}
	return 0, fmt.Errorf("the vocabulary lacks %q, and the unknown token %q that would stand for it", symbol, unknown)
}

// merger merges words; it holds the memory that one text's words share.
type merger struct {
	symbols []symbol
	queue   []candidate
}

// symbol is a node of a doubly linked list; the index -1 ends it both ways.
type symbol struct {
	id         int32
	prev, next int32
	merged     bool // into the one before
}

// candidate is a merge that was possible when it was queued.
type candidate struct {
	rank uint32
	pos  int32 // of the left symbol
	id   int32
}

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.pos < d.pos
}

// merge appends the ids of one word to dst. A queue of candidates over a linked list keeps it to n log n.
func (w *merger) merge(dst []int32, m *bpe, word string) []int32 {
	w.symbols = w.symbols[:0]
	n := len(word)
	for i := range n - 1 {
		w.add(m.inner[word[i]])
	}
	w.add(m.last[word[n-1]])
	return w.join(dst, m.merges)
}

// add adds a symbol behind the others.
func (w *merger) add(id int32) {
	n := int32(len(w.symbols))
	w.symbols = append(w.symbols, symbol{id: id, prev: n - 1, next: n + 1})
}

// join merges the symbols and appends what becomes of them to dst.
func (w *merger) join(dst []int32, merges map[pair]merge) []int32 {
	w.queue = w.queue[:0]
	n := int32(len(w.symbols))
	if n == 0 {
		return dst
	}
	w.symbols[n-1].next = -1
	for i := range n - 1 {
		w.push(merges, i)
	}
	for len(w.queue) > 0 {
		c := w.pop()
		left := &w.symbols[c.pos]
		if left.merged || left.next < 0 {
			continue
		}
		right := &w.symbols[left.next]
		if now, ok := merges[pair{left.id, right.id}]; !ok || now.id != c.id {
			continue // one of the two has been merged since
		}
		left.id, left.next, right.merged = c.id, right.next, true
		if left.next >= 0 {
			w.symbols[left.next].prev = c.pos
			w.push(merges, c.pos)
		}
		if left.prev >= 0 {
			w.push(merges, left.prev)
		}
	}
	for i := int32(0); i >= 0; i = w.symbols[i].next {
		dst = append(dst, w.symbols[i].id)
	}
	return dst
}

// push queues the merge of the symbol at pos with the next, if there is one.
func (w *merger) push(merges map[pair]merge, pos int32) {
	left := w.symbols[pos]
	found, ok := merges[pair{left.id, w.symbols[left.next].id}]
	if !ok {
		return
	}
	q := append(w.queue, candidate{found.rank, pos, found.id})
	for i := len(q) - 1; i > 0 && q[i].before(q[(i-1)/2]); i = (i - 1) / 2 {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
	}
	w.queue = q
}

// pop takes the candidate of the lowest rank, the leftmost of equals.
func (w *merger) pop() candidate {
	q := w.queue
	top, n := q[0], len(q)-1
	q[0] = q[n]
	q = q[:n]
	for i := 0; ; {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && q[child+1].before(q[child]) {
			child++
		}
		if !q[child].before(q[i]) {
			break
		}
		q[i], q[child] = q[child], q[i]
		i = child
	}
	w.queue = q
	return top
}
