package clip

import (
	"context"
	"image"
	"iter"
	"sync"
)

// TextStream embeds texts as they come, in their order. Texts are read ahead, so
// that they make batches.
func (m *Model) TextStream(ctx context.Context, texts iter.Seq[string]) iter.Seq2[[]float32, error] {
	return stream(ctx, texts, func(ctx context.Context, text string) ([]float32, error) {
		v, err := m.EmbedTexts(ctx, []string{text})
		if err != nil {
			return nil, err
		}
		return v[0], nil
	})
}

// ImageStream embeds pictures as they come, in their order. Pictures are read
// ahead, so that they make batches.
func (m *Model) ImageStream(ctx context.Context, images iter.Seq[image.Image]) iter.Seq2[[]float32, error] {
	return stream(ctx, images, func(ctx context.Context, img image.Image) ([]float32, error) {
		return m.EmbedImageFrom(ctx, func() (image.Image, error) { return img, nil })
	})
}

// ahead is how many of a stream are on their way at a time.
const ahead = 2 * mostInBatch

// stream calls embed for each of what comes, several at a time.
func stream[T any](ctx context.Context, seq iter.Seq[T],
	embed func(context.Context, T) ([]float32, error)) iter.Seq2[[]float32, error] {
	type result struct {
		vector []float32
		err    error
	}
	return func(yield func([]float32, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		var all sync.WaitGroup
		defer all.Wait()
		defer cancel()
		next, stop := iter.Pull(seq)
		defer stop()
		var waiting []chan result // in order
		for more := true; ; {
			for more && len(waiting) < ahead {
				var v T
				if v, more = next(); !more {
					break
				}
				done := make(chan result, 1)
				waiting = append(waiting, done)
				all.Go(func() {
					vector, err := embed(ctx, v)
					done <- result{vector, err}
				})
			}
			if len(waiting) == 0 {
				return
			}
			r := <-waiting[0]
			waiting = waiting[1:]
			if !yield(r.vector, r.err) {
				return
			}
		}
	}
}
