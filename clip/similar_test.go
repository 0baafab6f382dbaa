package clip_test

import (
	"image"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
)

func randomVectors(n, dim int) [][]float32 {
	r := rand.New(rand.NewPCG(5, 6))
	list := make([][]float32, n)
	for i := range list {
		v, sum := make([]float32, dim), 0.0
		for j := range v {
			v[j] = float32(r.NormFloat64())
			sum += float64(v[j]) * float64(v[j])
		}
		for j := range v {
			v[j] /= float32(math.Sqrt(sum))
		}
		list[i] = v
	}
	return list
}

// TestTopK compares with sorting everything.
func TestTopK(t *testing.T) {
	vectors := randomVectors(5000, 64)
	vectors = append(vectors, vectors[17], vectors[17]) // equals
	flat := slices.Concat(vectors...)
	query := vectors[17]
	order := make([]int, len(vectors))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return -compare(clip.Cosine(query, vectors[a]), clip.Cosine(query, vectors[b]))
	})
	x, err := clip.IndexOf(64, flat)
	require.NoError(t, err)
	narrow := clip.NewInt8Index(64)
	for _, v := range vectors {
		require.NoError(t, narrow.Add(v))
	}
	require.Equal(t, len(vectors), x.Len())
	require.Equal(t, len(vectors), narrow.Len())
	for _, k := range []int{0, 1, 5, 100, 6000} {
		got := clip.TopK(query, vectors, k)
		require.Len(t, got, min(k, len(vectors)))
		for i, m := range got {
			require.Equal(t, order[i], m.Index)
		}
		indexed, err := x.TopK(query, k)
		require.NoError(t, err)
		require.Equal(t, got, indexed)
		rounded, err := narrow.TopK(query, k)
		require.NoError(t, err)
		require.Len(t, rounded, len(got))
		for i, m := range rounded {
			require.InDelta(t, got[i].Score, m.Score, 0.01)
		}
	}
	require.Equal(t, []int{17, 5000, 5001}, []int{order[0], order[1], order[2]})
}

func compare(a, b float32) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func TestIndexFaults(t *testing.T) {
	_, err := clip.IndexOf(3, make([]float32, 7))
	require.ErrorContains(t, err, "7 numbers are no vectors of 3")
	x := clip.NewInt8Index(3)
	require.ErrorContains(t, x.Add(make([]float32, 4)), "a vector of 4 numbers for an index of 3")
	require.ErrorContains(t, x.Add([]float32{1, float32(math.NaN()), 0}), "not finite")
	require.NoError(t, x.Add(make([]float32, 3)))
	_, err = x.TopK(make([]float32, 2), 1)
	require.ErrorContains(t, err, "a query of 2 numbers for vectors of 3")
	got, err := clip.NewIndex(3).TopK(make([]float32, 3), 4)
	require.NoError(t, err)
	require.Empty(t, got)
}

// TestZeroShot compares with the softmax, or the sigmoid, of the reference's logits.
func TestZeroShot(t *testing.T) {
	for _, model := range []string{"quick", "siglip"} {
		m, r := open(t, model, clip.Options{}), readReferences(t, model)
		got, err := m.ZeroShot(t.Context(), r.images[0], r.Texts)
		require.NoError(t, err)
		logits := r.tensors["logits"].Float32s()[:len(r.Texts)]
		sum := 0.0
		for _, l := range logits {
			sum += math.Exp(float64(l))
		}
		for i, l := range logits {
			want := math.Exp(float64(l)) / sum
			if m.Sigmoid {
				want = 1 / (1 + math.Exp(-float64(l)))
			}
			require.InDelta(t, want, got[i], 1e-4)
		}
	}
}

func TestStreams(t *testing.T) {
	m, r := open(t, "quick", clip.Options{}), readReferences(t, "quick")
	texts := manyTexts(300)
	want, err := m.EmbedTexts(t.Context(), texts)
	require.NoError(t, err)
	i := 0
	for v, err := range m.TextStream(t.Context(), slices.Values(texts)) {
		require.NoError(t, err)
		require.Equal(t, want[i], v)
		i++
	}
	require.Equal(t, len(texts), i)
	for range m.TextStream(t.Context(), slices.Values(texts)) {
		break // what is on its way is given up
	}
	pictures, err := m.EmbedImages(t.Context(), r.images)
	require.NoError(t, err)
	i = 0
	for v, err := range m.ImageStream(t.Context(), slices.Values(append(r.images, image.Image(nil)))) {
		if i == len(pictures) {
			require.ErrorContains(t, err, "is nil")
			break
		}
		require.NoError(t, err)
		require.Equal(t, pictures[i], v)
		i++
	}
}

func TestPair(t *testing.T) {
	quick, err := clip.Open(testModel("quick"), clip.Options{})
	require.NoError(t, err)
	vision, err := clip.Open(testModel("vision"), clip.Options{})
	require.NoError(t, err)
	m, err := clip.Pair(quick, vision)
	require.NoError(t, err)
	r := readReferences(t, "vision")
	got, err := m.EmbedImages(t.Context(), r.images)
	require.NoError(t, err)
	requireClose(t, r.tensors["image_embeds"], got, r.Pictures)
	require.NoError(t, m.Close())
	_, err = clip.Pair(vision, quick)
	require.ErrorIs(t, err, clip.ErrNoText)
}
