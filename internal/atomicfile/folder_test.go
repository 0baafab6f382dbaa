package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
)

func twoFiles(folder string) error {
	return errors.Join(os.WriteFile(filepath.Join(folder, "a"), before, 0o600), os.WriteFile(filepath.Join(folder, "b"), before, 0o600))
}

func TestWriteFolder(t *testing.T) {
	parent := t.TempDir()
	path := filepath.Join(parent, "out")
	err := WriteFolder(path, func(folder string) error {
		return errors.Join(twoFiles(folder), errNoSpace)
	})
	require.ErrorIs(t, err, errNoSpace)
	require.ErrorContains(t, err, path+": ")
	requireEmptyFolder(t, parent)
	require.NoError(t, WriteFolder(path+"/", twoFiles))
	requireNames(t, parent, path)
	requireNames(t, path, filepath.Join(path, "a"), filepath.Join(path, "b"))
	require.ErrorIs(t, WriteFolder(path, twoFiles), fs.ErrExist)
	require.ErrorIs(t, WriteFolder(filepath.Join(parent, "no", "such"), twoFiles), fs.ErrNotExist)
}

func requireEmptyFolder(t *testing.T, folder string) {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// TestFoldersOfKilledRuns are removed by the next run, but for one that is being
// written.
func TestFoldersOfKilledRuns(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("what was left can't be told from what is in use")
	}
	parent := t.TempDir()
	left := filepath.Join(parent, ".out.123"+temporarySuffix)
	require.NoError(t, os.MkdirAll(filepath.Join(left, "unet"), 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(left, "unet", "weights"), before, 0o600))
	require.NoError(t, os.Mkdir(filepath.Join(parent, ".other"), 0o700))
	require.NoError(t, WriteFolder(filepath.Join(parent, "out"), func(folder string) error {
		swept.Delete(parent) // as in another process
		require.NoError(t, Write(filepath.Join(parent, "f"), hello))
		require.DirExists(t, folder, "it is held")
		return twoFiles(folder)
	}))
	requireNames(t, parent, filepath.Join(parent, "out"), filepath.Join(parent, "f"), filepath.Join(parent, ".other"))
}
