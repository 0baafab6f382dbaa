package demo_test

import (
	"context"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

// TestLittleMemoryMakesTheSamePicture runs the sides of the batch one after the
// other, and keeps what does not fit in a file.
func TestLittleMemoryMakesTheSamePicture(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("work memory in files is for Unix")
	}
	pipe := pipeline(t)
	draw := func(memory int64) []byte {
		pipe.Memory = memory
		r, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a green star", Width: 256, Height: 192, Steps: new(2), Seed: new(int64(1)), Batch: new(2)})
		require.NoError(t, err)
		require.Len(t, r.Images, 2)
		return append(r.Images[0].Pix, r.Images[1].Pix...)
	}
	want := draw(0)
	for _, memory := range []int64{64 << 20, 54 << 20} {
		require.True(t, string(want) == string(draw(memory)), "%d MiB", memory>>20)
	}
	pipe.Memory = 1 << 20
	_, err := pipe.Generate(context.Background(), sdxl.Options{Prompt: "a green star"})
	require.ErrorContains(t, err, "the least")
}
