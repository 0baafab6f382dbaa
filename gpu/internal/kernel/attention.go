package kernel

import "math"

// AttentionQueries is how many queries a work group of Attention makes.
const AttentionQueries = 64

// attention is softmax(scale q k^T) v for each head of a batch. Bindings: q, k, v, y,
// whose rows hold the heads one after another; a work group makes queries of one head.
//
// Constants: format of q, of k, of v, of y, and whether query i sees only keys 0 to i.
// Parameters: queries, keys, channels of a head, of a row, the first query, scale.
func attention(c *call) {
	q, k, v, y := c.at(0, Format(c.spec[0])), c.at(1, Format(c.spec[1])), c.at(2, Format(c.spec[2])), c.at(3, Format(c.spec[3]))
	queries, keys, width, row := c.n(0), c.n(1), c.n(2), c.n(3)
	heads := c.groups / ((queries + AttentionQueries - 1) / AttentionQueries)
	scores := make([]float64, keys)
	for i := range heads * queries {
		at, query := i/queries*width, i%queries
		seen := keys
		if c.spec[4] != 0 {
			seen = min(seen, c.n(4)+query+1)
		}
		most, sum := math.Inf(-1), 0.0
		for key := range seen {
			scores[key] = 0
			for d := range width {
				scores[key] += q.get(query*row+at+d) * k.get(key*row+at+d)
			}
			scores[key] *= c.float(5)
			most = max(most, scores[key])
		}
		for key := range seen {
			scores[key] = math.Exp(scores[key] - most)
			sum += scores[key]
		}
		for d := range width {
			out := 0.0
			for key := range seen {
				out += scores[key] * v.get(key*row+at+d)
			}
			y.set(query*row+at+d, out/sum)
		}
	}
}
