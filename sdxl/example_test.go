package sdxl_test

import (
	"context"
	"image/png"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
)

// draw is the example of the README.
func draw(ctx context.Context, w io.Writer) error {
	model, err := sdxl.Open("sdxl-base", sdxl.OpenOptions{})
	if err != nil {
		return err
	}
	defer model.Close()
	backend := cpu.New(cpu.Options{})
	defer backend.Close()

	seed := int64(7)
	pipe := sdxl.NewPipeline(model, backend, sdxl.PipelineOptions{})
	defer pipe.Close()
	result, err := pipe.Generate(ctx, sdxl.Options{Prompt: "a lighthouse at dusk", Seed: &seed})
	if err != nil {
		return err
	}
	return png.Encode(w, result.Images[0])
}

// TestReadmeExample holds the README to code that compiles.
func TestReadmeExample(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	source, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	_, block, ok := strings.Cut(string(readme), "```go\n")
	require.True(t, ok)
	block, _, _ = strings.Cut(block, "```")
	indented := "\t" + strings.ReplaceAll(strings.TrimSuffix(block, "\n"), "\n", "\n\t")
	require.Contains(t, string(source), strings.ReplaceAll(indented, "\n\t\n", "\n\n"))
	require.Less(t, strings.Count(block, "\n"), 20)
	require.ErrorContains(t, draw(t.Context(), io.Discard), "sdxl-base")
}
