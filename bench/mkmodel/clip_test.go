package mkmodel

import (
	"image"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/clip"
)

// TestCLIPPresetsArePublished compares with the published numbers of parameters.
func TestCLIPPresetsArePublished(t *testing.T) {
	for preset, want := range map[string]int{
		"clip-b32": 151277313, "clip-l14": 427616513, "siglip-b16": 375187970,
	} {
		p := clipPresets[preset]
		tensors, err := p.architecture().Tensors()
		require.NoError(t, err)
		n := 1 // the scale
		if p.siglip {
			n++ // the bias
		}
		for _, s := range tensors {
			n += s.Shape.NumElements()
		}
		require.Equal(t, want, n, preset)
	}
}

func TestCLIPFoldersOpen(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "m")
	require.NoError(t, WriteCLIP(t.Context(), dir, "clip-tiny"))
	require.ErrorIs(t, WriteCLIP(t.Context(), dir, "clip-tiny"), os.ErrExist)
	require.ErrorContains(t, WriteCLIP(t.Context(), dir+"2", "clip-x"), `no preset "clip-x"; there are clip-b16,`)
	m, err := clip.Open(dir, clip.Options{})
	require.NoError(t, err)
	defer m.Close()
	_, err = m.ZeroShot(t.Context(), image.NewGray(image.Rect(0, 0, 50, 20)), []string{"a", "b"})
	require.NoError(t, err)
}
