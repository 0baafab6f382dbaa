package main

import (
	"context"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDevicesListsTheProcessor(t *testing.T) {
	t.Setenv("PATH", t.TempDir()) // this process must not become another program
	out, _, err := run(t, context.Background(), "", "devices")
	require.NoError(t, err)
	require.Contains(t, out, "cpu ")
}

func TestDeviceFlagSaysWhatThereIs(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	picture := filepath.Join(t.TempDir(), "a.png")
	for _, id := range []string{"gpu", "cuda:", "vulkan:", "vulkan:-1", ""} {
		_, _, err := run(t, context.Background(), "", "txt2img", "-p", "a", "--device", id, "-o", picture)
		require.ErrorContains(t, err, "want cpu, vulkan, cuda, a number such as vulkan:1, or auto", id)
	}
	_, _, err := run(t, context.Background(), "", "txt2img", "-p", "a", "--device", "vulkan:99", "-o", picture)
	if runtime.GOOS == "linux" {
		require.ErrorContains(t, err, "build it with: go build -tags gpu -o easel-gpu ./cmd/easel")
	} else {
		require.ErrorContains(t, err, "vulkan:99")
	}
	require.NoFileExists(t, picture)
	_, _, err = run(t, context.Background(), "", "txt2img", "-p", "a", "--dtype", "f16", "-o", picture)
	require.ErrorContains(t, err, "--dtype f16: the processor has [auto f32 bf16 int8]")
}
