package clip

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"

	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
)

// maxSide bounds the pictures that are taken.
const maxSide = 1 << 16

// EmbedImages returns a vector of length 1 for each picture. Pictures are
// prepared as the model's files say: resized with Pillow's filters, cropped or
// squashed, with transparent parts laid on white.
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
		if err := checkImage(img); err != nil {
			return fmt.Errorf("clip: picture %d %w", i, err)
		}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var all sync.WaitGroup
	defer all.Wait()
	// Some are prepared while the tower computes others.
	places := make(chan struct{}, ahead)
	for i, img := range images {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		all.Go(func() {
			defer func() { <-places }()
			load := func() (image.Image, error) { return img, nil }
			if err := t.embed(ctx, dst[i*t.dim:][:t.dim], load); err != nil {
				cancel(err)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

// EmbedImageFrom returns the vector of the picture that load returns. At most as
// many loads run at a time as there are processors, so that pictures can be
// decoded in them by any number of goroutines.
func (m *Model) EmbedImageFrom(ctx context.Context, load func() (image.Image, error)) ([]float32, error) {
	if m.image == nil {
		return nil, m.lacks(ErrNoImage)
	}
	v := make([]float32, m.image.dim)
	if err := m.image.embed(ctx, v, load); err != nil {
		return nil, err
	}
	return v, nil
}

// checkImage returns an error unless a picture can be prepared.
func checkImage(img image.Image) error {
	if img == nil {
		return errors.New("is nil")
	}
	if b := img.Bounds(); b.Empty() || b.Dx() > maxSide || b.Dy() > maxSide {
		return fmt.Errorf("is %dx%d, want 1 to %d pixels a side", b.Dx(), b.Dy(), maxSide)
	}
	return nil
}

// embed takes one picture to its vector.
func (t *imageTower) embed(ctx context.Context, dst []float32, load func() (image.Image, error)) error {
	pixels, err := t.pixels(ctx, load)
	if err != nil {
		return err
	}
	return t.lane.do(ctx, []*item{{pixels: pixels, dst: dst}})
}

// pixels prepares a picture, once a processor is free.
func (t *imageTower) pixels(ctx context.Context, load func() (image.Image, error)) ([]float32, error) {
	select {
	case t.decode <- struct{}{}:
		defer func() { <-t.decode }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	img, err := load()
	if err != nil {
		return nil, err
	}
	if err := checkImage(img); err != nil {
		return nil, fmt.Errorf("clip: a picture %w", err)
	}
	c := &t.Config
	pixels := make([]float32, c.patches()*c.patchLen())
	t.prepare.fill(pixels, img, c.ImageSize, c.PatchSize)
	return pixels, nil
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
		if err := c.Run(ctx, nn.Tensors(c.dst...), nn.Tensors(c.src...)); err != nil {
			return err
		}
		vectors = append(vectors, c.dst[0].Float32s()...)
		return nil
	})
	return vectors, err
}
