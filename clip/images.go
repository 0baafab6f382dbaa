package clip

import (
	"context"
	"fmt"
	"image"
	"sync"

	"github.com/df65613c/easel/internal/program"
)

// maxSide bounds the pictures that are taken.
const maxSide = 1 << 16

// EmbedImages returns a vector of length 1 for each picture. Pictures are
// prepared as the model's files say: resized with Pillow's filters, cropped or
// squashed, what is not opaque laid on white.
func (m *Model) EmbedImages(ctx context.Context, images []image.Image) ([][]float32, error) {
	if m.image == nil {
		return nil, m.lacks(ErrNoImage)
	}
	flat := make([]float32, len(images)*m.image.dim)
	if err := m.EmbedImagesInto(ctx, flat, images); err != nil {
		return nil, err
	}
	return rowsOf(flat, m.image.dim), nil
}

// EmbedImagesInto is EmbedImages into dst, of Dim numbers a picture.
func (m *Model) EmbedImagesInto(ctx context.Context, dst []float32, images []image.Image) error {
	t := m.image
	if t == nil {
		return m.lacks(ErrNoImage)
	}
	if err := checkRoom(dst, len(images), t.dim); err != nil {
		return err
	}
	for i, img := range images {
		if img == nil {
			return fmt.Errorf("clip: picture %d is nil", i)
		}
		if b := img.Bounds(); b.Empty() || b.Dx() > maxSide || b.Dy() > maxSide {
			return fmt.Errorf("clip: picture %d is %dx%d, want 1 to %d pixels a side", i, b.Dx(), b.Dy(), maxSide)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	defer all.Wait()
	// Some are prepared while the tower computes others.
	places := make(chan struct{}, 2*mostInBatch)
	for i, img := range images {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		all.Go(func() {
			defer func() { <-places }()
			if err := t.embed(ctx, dst[i*t.dim:][:t.dim], img); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// embed takes one picture to its vector.
func (t *imageTower) embed(ctx context.Context, dst []float32, img image.Image) error {
	select {
	case t.decode <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c := &t.Config
	pixels := make([]float32, c.patches()*c.patchLen())
	func() {
		defer func() { <-t.decode }()
		t.prepare.fill(pixels, img, c.ImageSize, c.PatchSize)
	}()
	return t.lane.do(ctx, []*item{{pixels: pixels, dst: dst}})
}

// run computes the vectors of a batch of pictures.
func (t *imageTower) run(ctx context.Context, batch []*item) (vectors []float32, err error) {
	record := func() (program.Network, error) {
		g, err := t.Graph(len(batch))
		return program.Network{Graph: g, File: t.file}, err
	}
	err = t.use(ctx, shape{batch: len(batch)}, record, func(c *compiled) error {
		in := c.src[0].Float32s()
		for i, it := range batch {
			copy(in[i*len(it.pixels):], it.pixels)
		}
		if err := c.Run(ctx, c.dst, c.src); err != nil {
			return err
		}
		vectors = append(vectors, c.dst[0].Float32s()...)
		return nil
	})
	return vectors, err
}
