//go:build unix

package spill

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMemoryIsZeroedWritableAndNameless(t *testing.T) {
	folder := t.TempDir()
	m, err := New(folder, 100_000)
	require.NoError(t, err)
	names, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, names)
	require.Len(t, m.Bytes, 100_000)
	for i := range m.Bytes {
		require.Zero(t, m.Bytes[i])
		m.Bytes[i] = byte(i)
	}
	require.Equal(t, byte(77), m.Bytes[77])
	require.NoError(t, m.Close())
}

func TestFaultsNameTheFolder(t *testing.T) {
	_, err := New("/does/not/exist", 1)
	require.ErrorContains(t, err, "/does/not/exist")
	folder := t.TempDir()
	_, err = New(folder, 1<<60)
	require.ErrorContains(t, err, folder)
	names, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Empty(t, names)
}

func TestFolderIsThere(t *testing.T) {
	m, err := New(Folder(), 4096)
	require.NoError(t, err)
	require.NoError(t, m.Close())
}
