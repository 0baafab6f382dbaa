package clip

import (
	"cmp"
	"slices"
)

// best keeps the k greatest matches: a heap whose first is the least of them.
type best struct {
	k    int
	heap []Match
}

func newBest(k int) *best { return &best{k: max(k, 0)} }

// less orders by score; of equals the later is less.
func less(a, b Match) bool { return a.Score < b.Score || a.Score == b.Score && a.Index > b.Index }

// full reports whether there are k.
func (b *best) full() bool { return len(b.heap) == b.k }

func (b *best) add(index int, score float32) {
	m := Match{index, score}
	switch {
	case b.k == 0 || score != score: // NaN matches nothing
	case !b.full():
		b.heap = append(b.heap, m)
		for i := len(b.heap) - 1; i > 0 && less(b.heap[i], b.heap[(i-1)/2]); i = (i - 1) / 2 {
			b.heap[i], b.heap[(i-1)/2] = b.heap[(i-1)/2], b.heap[i]
		}
	case less(b.heap[0], m):
		b.heap[0] = m
		for i := 0; ; {
			child := 2*i + 1
			if child >= len(b.heap) {
				break
			}
			if child+1 < len(b.heap) && less(b.heap[child+1], b.heap[child]) {
				child++
			}
			if !less(b.heap[child], b.heap[i]) {
				break
			}
			b.heap[i], b.heap[child] = b.heap[child], b.heap[i]
			i = child
		}
	}
}

// sorted returns the matches, the greatest first.
func (b *best) sorted() []Match {
	slices.SortFunc(b.heap, func(x, y Match) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.Index, y.Index))
	})
	return b.heap
}
