//go:build !nodemo

package main

import (
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/sdxl/request"
)

func TestDemoPictures(t *testing.T) {
	require.Len(t, demoPictures(false, false, 1), len(demoPrompts))
	styles := demoPictures(true, false, 1)
	require.Len(t, styles, 17)
	require.Len(t, demoPictures(true, true, 1), 17+len(sched.SamplerNames())+len(sched.SamplerAliases()))
	for _, p := range append(styles, demoPictures(false, true, 1)...) {
		require.NoError(t, request.Options{}.Check(&p.request), p.caption)
	}
}

// TestDemoSamplers makes a picture by every sampler.
func TestDemoSamplers(t *testing.T) {
	if testing.Short() {
		t.Skip("draws many pictures; go test without -short runs it")
	}
	out := filepath.Join(t.TempDir(), "sheet.png")
	ok(t, "", "demo", "--samplers", "-o", out)
	f, err := os.Open(out)
	require.NoError(t, err)
	defer f.Close()
	_, err = png.Decode(f)
	require.NoError(t, err)
	_, _, err = run(t, t.Context(), "", "demo", "--seed", "0", "-o", out)
	require.ErrorContains(t, err, "--seed is 0, want 1 to 4294967295")
}
