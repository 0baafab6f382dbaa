//go:build linux || darwin

package safetensors

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestTruncationWhileMappedIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shrinks.safetensors")
	const n = 1 << 20
	require.NoError(t, os.WriteFile(path, one(`"dtype":"U8","shape":[1048576],"data_offsets":[0,1048576]`, n), 0o644))
	f, err := Open(path)
	require.NoError(t, err)
	defer f.Close()
	w, err := f.Tensor("w")
	require.NoError(t, err)
	require.NoError(t, os.Truncate(path, 4096))

	sum := 0
	err = f.Guard(func() error {
		for _, b := range w.Bytes() {
			sum += int(b)
		}
		return nil
	})
	var fe *FormatError
	require.ErrorAs(t, err, &fe)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "truncated")
}

func TestGuardPassesTheRest(t *testing.T) {
	f, err := Open(dtypesFile)
	require.NoError(t, err)
	defer f.Close()
	mine := errors.New("mine")
	require.ErrorIs(t, f.Guard(func() error { return mine }), mine)
	require.PanicsWithValue(t, "mine", func() { _ = f.Guard(func() error { panic("mine") }) })
	require.Panics(t, func() {
		_ = f.Guard(func() error {
			var p *int
			*p = 1
			return nil
		})
	})
}
