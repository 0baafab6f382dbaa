package main

import (
	"context"
	"image"
	"sync"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/internal/imagefile"
)

// filesAhead is how many pictures are on their way at a time.
const filesAhead = 160

// embedFiles takes pictures to vectors, and calls done with each in their order.
// An error of done stops it.
func embedFiles(ctx context.Context, m *clip.Model, paths []string,
	done func(path string, vector []float32, err error) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer all.Wait()
	defer cancel()
	type result struct {
		vector []float32
		err    error
	}
	results := make([]chan result, len(paths))
	start := func(i int) {
		results[i] = make(chan result, 1)
		all.Go(func() {
			v, err := m.EmbedImageFrom(ctx, func() (image.Image, error) { return openPicture(ctx, paths[i]) })
			results[i] <- result{v, err}
		})
	}
	for i := range min(filesAhead, len(paths)) {
		start(i)
	}
	for i, path := range paths {
		r := <-results[i]
		results[i] = nil
		if next := i + filesAhead; next < len(paths) {
			start(next)
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := done(path, r.vector, r.err); err != nil {
			return err
		}
	}
	return nil
}

// pictureLimits bound the pictures that are taken to vectors.
var pictureLimits = imagefile.Limits{Pixels: 1 << 28, Side: 1<<16 - 1}

// openPicture decodes a picture with its alpha, which models treat differently.
func openPicture(ctx context.Context, path string) (image.Image, error) {
	img, err := imagefile.Open(ctx, path, pictureLimits)
	if err != nil {
		return nil, err
	}
	return img, nil
}
