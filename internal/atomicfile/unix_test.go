//go:build unix

package atomicfile

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestLinksStay(t *testing.T) {
	folder := t.TempDir()
	target := filepath.Join(folder, "real", "f")
	require.NoError(t, os.Mkdir(filepath.Dir(target), 0o700))
	link, far := filepath.Join(folder, "link"), filepath.Join(folder, "far")
	require.NoError(t, os.Symlink("real/f", link))
	require.NoError(t, os.Symlink(link, far))
	for range 2 { // the file is not there, and is
		require.NoError(t, Check(far))
		require.NoError(t, Write(far, hello))
		requireText(t, "hello", target)
	}
	for _, path := range []string{link, far} {
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.NotZero(t, info.Mode()&fs.ModeSymlink)
	}
	requireNames(t, filepath.Dir(target), target)
	loop := filepath.Join(folder, "loop")
	require.NoError(t, os.Symlink("loop", loop))
	require.ErrorContains(t, Check(loop), loop)
	require.ErrorContains(t, Write(loop, hello), loop)
}

func TestModes(t *testing.T) {
	old := unix.Umask(0o027)
	defer unix.Umask(old)
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, Write(path, hello))
	requireMode(t, 0o640, path)
	require.NoError(t, os.Chmod(path, 0o604))
	require.NoError(t, Write(path, hello))
	requireMode(t, 0o604, path)
}

func requireMode(t *testing.T, want fs.FileMode, path string) {
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, want, info.Mode())
}

func TestReadOnly(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("root may write everything")
	}
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, Write(path, hello))
	require.NoError(t, os.Chmod(path, 0o400))
	require.ErrorIs(t, Check(path), fs.ErrPermission)
	require.ErrorIs(t, Write(path, hello), fs.ErrPermission)
}

// TestPipesAndDevicesStay: they are written to, and Check doesn't wait for a reader.
func TestPipesAndDevicesStay(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, unix.Mkfifo(pipe, 0o600))
	require.NoError(t, Check(pipe))
	link := filepath.Join(t.TempDir(), "null")
	require.NoError(t, os.Symlink(os.DevNull, link))
	for _, path := range []string{os.DevNull, link} {
		require.NoError(t, Check(path))
		require.NoError(t, Write(path, hello))
	}
	info, err := os.Stat(os.DevNull)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeCharDevice)

	got := make(chan []byte)
	go func() {
		f, err := os.Open(pipe)
		if err != nil {
			close(got)
			return
		}
		defer f.Close()
		data, _ := io.ReadAll(f)
		got <- data
	}()
	require.NoError(t, Write(pipe, hello))
	require.Equal(t, "hello", string(<-got))
	info, err = os.Stat(pipe)
	require.NoError(t, err)
	require.NotZero(t, info.Mode()&fs.ModeNamedPipe)
	requireNames(t, filepath.Dir(pipe), pipe)
	if _, err := os.Stat("/dev/full"); err == nil {
		require.ErrorIs(t, Write("/dev/full", hello), unix.ENOSPC)
	}
}
