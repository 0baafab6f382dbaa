//go:build unix

package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEndlessFiles: a file without end, in place of any that a command reads, is an
// error soon, and not all of the memory.
func TestEndlessFiles(t *testing.T) {
	dir := t.TempDir()
	link := func(name string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.Symlink("/dev/zero", path))
		return path
	}
	quick := clipModel("quick")
	for _, args := range [][]string{
		{"clip", "-m", quick, "--texts", "/dev/zero"}, {"search", "-m", quick, "a", link("z.npy")}, {"search", "-m", quick, "a", link("z.jsonl")},
		{"search", "-m", quick, "a", link("z.safetensors")}, {"inspect", "/dev/zero"}, {"inspect", link("z.gguf")}, {"inspect", link("z.ckpt")}, {"inspect", link("z.png")},
		{"convert", "/dev/zero", "-o", filepath.Join(dir, "out.safetensors")}, {"serve", "--api-keys", "/dev/zero"}, {"txt2img", "a", "--styles", "/dev/zero"},
		{"run", "unet", "-m", model("c"), "--in", "/dev/zero", "--out", filepath.Join(dir, "out.safetensors")}, {"lab", "replay", "/dev/zero"},
		{"txt2img", "a", "--noise-file", "/dev/zero"}, {"txt2img", "-m", "/dev/zero", "a"},
	} {
		_, _, err := run(t, t.Context(), "", args...)
		require.Error(t, err, "%v", args)
		require.Less(t, len(err.Error()), 1000, "%v", args)
	}
}

// TestVectorsThatLie: a .npy whose header tells of more or less than it holds.
func TestVectorsThatLie(t *testing.T) {
	path := filepath.Join(t.TempDir(), "v.npy")
	require.NoError(t, os.WriteFile(namesPath(path), []byte("a\n"), 0o600))
	for _, c := range []struct{ head, body, want string }{
		{"\x93NUMPY\x01\x00\x04\x00", "ab", "ends in its header"},
		{"\x93NUMPY\x02\x00", "", "no .npy of version 1"},
		{"\x93NUMPY\x01\x00\x48\x00", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 20), }            \n", "has 1 bytes of numbers, want 1 vectors of 20"},
		{"\x93NUMPY\x01\x00\x55\x00", "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999, 20), }     \n\n", "out of range"},
		{"\x93NUMPY\x01\x00\x50\x00", "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 20), }  ", "has 0 bytes of numbers"},
		{"\x93NUMPY\x01\x00\x48\x00", "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 21), }            ", "it is of another model"},
	} {
		require.NoError(t, os.WriteFile(path, []byte(c.head+c.body), 0o600))
		_, _, err := readVectors([]string{path}, 20)
		require.ErrorContains(t, err, c.want)
	}
}
