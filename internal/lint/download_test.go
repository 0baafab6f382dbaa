package lint

import (
	"compress/flate"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// maxDownload bounds what go get downloads, in bytes.
const maxDownload = 15_000_000

// TestDownloadIsSmall packs what is in the module's zip: what git tracks, but for
// folders with a go.mod of their own.
func TestDownloadIsSmall(t *testing.T) {
	root := filepath.Join("..", "..")
	out, err := exec.Command("git", "-C", root, "ls-files", "-z").Output()
	if err != nil {
		t.Skip("no checkout: ", err) // CI has one
	}
	nested := func(file string) bool {
		for dir := filepath.Dir(file); dir != "."; dir = filepath.Dir(dir) {
			if _, err := os.Stat(filepath.Join(root, dir, "go.mod")); err == nil {
				return true
			}
		}
		return false
	}
	var packed count
	for file := range strings.SplitSeq(strings.TrimRight(string(out), "\x00"), "\x00") {
		if nested(file) {
			continue
		}
		f, err := os.Open(filepath.Join(root, file))
		if os.IsNotExist(err) {
			continue // moved, and not committed yet
		}
		require.NoError(t, err)
		w, err := flate.NewWriter(&packed, flate.DefaultCompression)
		require.NoError(t, err)
		_, err = io.Copy(w, f)
		require.NoError(t, err, file)
		require.NoError(t, w.Close())
		require.NoError(t, f.Close())
	}
	t.Logf("%d bytes", packed)
	require.Greater(t, int64(packed), int64(1<<20))
	require.Less(t, int64(packed), int64(maxDownload))
}

// count counts the bytes that are written.
type count int64

func (c *count) Write(p []byte) (int, error) {
	*c += count(len(p))
	return len(p), nil
}
