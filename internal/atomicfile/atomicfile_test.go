package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var errNoSpace = errors.New("no space left on device")

func hello(w io.Writer) error {
	_, err := io.WriteString(w, "hello")
	return err
}

func TestWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, Write(path, hello))
	requireText(t, "hello", path)
	err := Write(path, func(w io.Writer) error {
		_, _ = w.Write(make([]byte, 2<<20))
		return &fs.PathError{Op: "read", Path: "another file", Err: errNoSpace}
	})
	require.ErrorIs(t, err, errNoSpace)
	require.EqualError(t, err, path+": read another file: no space left on device")
	requireText(t, "hello", path)
	requireNames(t, filepath.Dir(path), path)
}

// TestWriteNowhere: Check and Write refuse the same with the same error.
func TestWriteNowhere(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "f")
	require.NoError(t, Write(path, hello))
	for path, fault := range map[string]string{
		folder:                                          "is a folder",
		filepath.Join(path, "below"):                    "",
		filepath.Join(folder, "no", "f"):                "",
		filepath.Join(folder, "\x00"):                   "",
		filepath.Join(folder, strings.Repeat("n", 300)): "",
	} {
		err := Check(path)
		if err == nil { // names are only tried as temporary ones
			err = Write(path, hello)
		} else {
			require.EqualError(t, Write(path, hello), err.Error())
		}
		require.ErrorContains(t, err, path+": "+fault)
		require.NotContains(t, err.Error(), temporarySuffix)
	}
	requireNames(t, folder, path)
}

func TestCheckLeavesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, Check(path))
	requireNames(t, filepath.Dir(path))
	require.NoError(t, Write(path, hello))
	require.NoError(t, Check(path))
	requireText(t, "hello", path)
	requireNames(t, filepath.Dir(path), path)
}

func TestLongNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 255))
	require.NoError(t, Write(path, hello))
	requireText(t, "hello", path)
}

func requireText(t *testing.T, want, path string) {
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got))
}
