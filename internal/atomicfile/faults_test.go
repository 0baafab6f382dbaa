package atomicfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// faulty is a disk whose call number at, from 0, fails. The order of calls is
// open, write (in pieces), chmod, sync, rename, close, sync of the folder; where
// a file is there it is opened and closed first.
type faulty struct {
	disk
	at, calls int
	err       error
	short     bool // what a failing write takes half of
	killed    bool // nothing works after the fault
	names     []string
}

func newFaulty(at int, err error) *faulty {
	f := &faulty{at: at, err: err}
	f.disk = disk{
		open: func(path string, flag int, mode fs.FileMode) (file, error) {
			if err := f.call("open"); err != nil {
				return nil, &fs.PathError{Op: "open", Path: path, Err: err}
			}
			o, err := osDisk.open(path, flag, mode)
			return &faultyFile{o, f, path}, err
		},
		rename: func(from, to string) error { return errors.Join(f.call("rename"), f.unless(osDisk.rename, from, to)) },
		remove: func(path string) error {
			return errors.Join(f.call("remove"), f.unless(func(p, _ string) error { return osDisk.remove(p) }, path, ""))
		},
		syncFolder: func(path string) error { return errors.Join(f.call("sync folder"), osDisk.syncFolder(path)) },
	}
	return f
}

// call counts, and returns the fault when it is due.
func (f *faulty) call(name string) error {
	f.names = append(f.names, name)
	f.calls++
	if f.calls-1 == f.at || f.killed && f.calls > f.at {
		return f.err
	}
	return nil
}

// unless does what the last call asked for, if that did not fail.
func (f *faulty) unless(do func(a, b string) error, a, b string) error {
	if f.calls-1 == f.at || f.killed && f.calls > f.at {
		return nil
	}
	return do(a, b)
}

type faultyFile struct {
	file
	f    *faulty
	path string
}

func (w *faultyFile) Write(p []byte) (int, error) {
	if err := w.f.call("write"); err != nil {
		n := 0
		if w.f.short {
			n, _ = w.file.Write(p[:len(p)/2])
		}
		return n, &fs.PathError{Op: "write", Path: w.path, Err: err}
	}
	return w.file.Write(p)
}

func (w *faultyFile) Chmod(mode fs.FileMode) error {
	return errors.Join(w.f.call("chmod"), w.file.Chmod(mode))
}
func (w *faultyFile) Sync() error  { return errors.Join(w.f.call("sync"), w.file.Sync()) }
func (w *faultyFile) Close() error { return errors.Join(w.f.call("close"), w.file.Close()) }

var (
	before = []byte("what was there")
	after  = bytes.Repeat([]byte("what comes "), 400_000) // several pieces
)

func writeAfter(w io.Writer) error {
	for rest := after; len(rest) > 0; {
		n := min(len(rest), 1<<16)
		if _, err := w.Write(rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

// TestFaults: whatever call fails, the file is as it was or whole, nothing else
// is left, and the error names the path and the reason.
func TestFaults(t *testing.T) {
	for _, there := range []bool{true, false} {
		for _, short := range []bool{true, false} {
			for at := 0; ; at++ {
				path := filepath.Join(t.TempDir(), "f")
				if there {
					require.NoError(t, os.WriteFile(path, before, 0o600))
				}
				f := newFaulty(at, errNoSpace)
				f.short = short
				err := f.write(path, writeAfter)
				if f.calls <= at { // no call was left to fail
					require.NoError(t, err)
					require.Greater(t, at, 8)
					break
				}
				require.ErrorIs(t, err, errNoSpace, "%v", f.names)
				require.ErrorContains(t, err, path)
				require.NotContains(t, err.Error(), temporarySuffix)
				got, err := os.ReadFile(path)
				switch {
				case f.names[at] == "sync folder", f.names[at] == "close" && slices.Contains(f.names[:at], "rename"):
					require.Equal(t, after, got, "%v", f.names) // it is there, if the machine stays up
				case there:
					require.Equal(t, before, got, "%v", f.names)
				default:
					require.ErrorIs(t, err, fs.ErrNotExist, "%v", f.names)
				}
				requireNames(t, filepath.Dir(path), path)
			}
		}
	}
}

// TestKilled: a run that ends between any two calls leaves the file as it was or
// whole, and the next run removes the rest.
func TestKilled(t *testing.T) {
	for at := 0; ; at++ {
		path := filepath.Join(t.TempDir(), "f")
		require.NoError(t, os.WriteFile(path, before, 0o600))
		f := newFaulty(at, errors.New("killed"))
		f.killed = true
		err := f.write(path, writeAfter)
		if err == nil {
			break
		}
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.True(t, bytes.Equal(before, got) || bytes.Equal(after, got), "%v", f.names)
		swept.Delete(filepath.Dir(path)) // as in another process
		require.NoError(t, Write(path, writeAfter))
		requireNames(t, filepath.Dir(path), path)
	}
}

// TestHeldFilesStay: what another run is writing is no leftover.
func TestHeldFilesStay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	require.NoError(t, Write(path, func(w io.Writer) error {
		swept.Delete(filepath.Dir(path))
		require.NoError(t, Write(path+"2", writeAfter))
		return writeAfter(w)
	}))
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, after, got)
	requireNames(t, filepath.Dir(path), path, path+"2")
}

// requireNames holds that a folder has these files, as far as they exist, and no others.
func requireNames(t *testing.T, folder string, paths ...string) {
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	for _, e := range entries {
		require.Contains(t, paths, filepath.Join(folder, e.Name()))
	}
}
