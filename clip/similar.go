package clip

import (
	"context"
	"fmt"
	"image"
	"math"

	"github.com/df65613c/easel/internal/kernel/dot"
)

// Cosine returns the cosine of the angle between two vectors of length 1, which
// must be of one width.
func Cosine(a, b []float32) float32 {
	var sum [1]float32
	dot.F32(sum[:], a, b[:len(a)])
	return sum[0]
}

// Match is one of the vectors that were searched.
type Match struct {
	Index int
	Score float32 // the cosine
}

// TopK returns the k vectors with the greatest cosine to a query, the greatest
// first; equal ones by index. All must have length 1. A vector of another width
// than the query never matches.
func TopK(query []float32, vectors [][]float32, k int) []Match {
	best := newBest(k)
	for i, v := range vectors {
		if len(v) == len(query) {
			best.add(i, Cosine(query, v))
		}
	}
	return best.sorted()
}

// Probabilities turns cosines of one picture with some texts into probabilities:
// of each text among the others, or with SigLIP of each text alone.
func (m *Model) Probabilities(cosines []float32) []float32 {
	p := make([]float32, len(cosines))
	if m.Sigmoid {
		for i, c := range cosines {
			p[i] = float32(1 / (1 + math.Exp(-float64(m.Scale*c+m.Bias))))
		}
		return p
	}
	largest := math.Inf(-1)
	for _, c := range cosines {
		largest = max(largest, float64(m.Scale*c))
	}
	sum := 0.0
	e := make([]float64, len(p))
	for i, c := range cosines {
		e[i] = math.Exp(float64(m.Scale*c) - largest)
		sum += e[i]
	}
	for i := range p {
		p[i] = float32(e[i] / sum)
	}
	return p
}

// ZeroShot returns, for each text such as "a photo of a cat", the probability
// that it describes the picture.
func (m *Model) ZeroShot(ctx context.Context, img image.Image, texts []string) ([]float32, error) {
	v, err := m.EmbedTexts(ctx, texts)
	if err != nil {
		return nil, err
	}
	pictures, err := m.EmbedImages(ctx, []image.Image{img})
	if err != nil {
		return nil, err
	}
	cosines := make([]float32, len(v))
	for i := range v {
		cosines[i] = Cosine(pictures[0], v[i])
	}
	return m.Probabilities(cosines), nil
}

// Pair joins the text tower of one model with the image tower of another, such
// as the second text encoder of Stable Diffusion XL with the image encoder of
// IP-Adapter, which come from one OpenCLIP model. The result closes both.
func Pair(text, images *Model) (*Model, error) {
	switch {
	case text.text == nil:
		return nil, text.lacks(ErrNoText)
	case images.image == nil:
		return nil, images.lacks(ErrNoImage)
	case text.text.dim != images.image.dim:
		return nil, fmt.Errorf("%s makes vectors of %d numbers of texts, %s of %d of pictures", text.Path, text.text.dim,
			images.Path, images.image.dim)
	}
	m := *text
	m.image = images.image
	m.accounts = append(m.accounts[:len(m.accounts):len(m.accounts)], images.accounts...)
	m.others = append(m.others[:len(m.others):len(m.others)], images)
	return &m, nil
}
