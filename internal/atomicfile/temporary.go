package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// temporary is a file that is to become another.
type temporary struct {
	file
	disk *disk
	name string
}

const (
	// temporarySuffix ends the names of temporary files, and of no others.
	temporarySuffix = ".easel-tmp"
	// namesTried is how many random names are tried.
	namesTried = 100
	// maxBase keeps names below the 255 bytes that file systems take.
	maxBase = 200
)

// temporary makes a file beside path, with the mode of the umask.
func (d *disk) temporary(path string) (*temporary, error) {
	folder, base := filepath.Split(path)
	for range namesTried {
		name := folder + "." + base[:min(len(base), maxBase)] + "." + strconv.FormatUint(rand.Uint64(), 36) + temporarySuffix
		f, err := d.open(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case err != nil:
			return nil, reason(err)
		case hold(f, name):
			return &temporary{f, d, name}, nil
		}
		f.Close() // it was removed before it was held
	}
	return nil, errors.New("no name for a temporary file is free")
}

// fill writes the file and brings it to the disk.
func (t *temporary) fill(mode fs.FileMode, write func(w io.Writer) error) error {
	if err := buffered(t, write); err != nil {
		return err
	}
	if mode != 0 {
		if err := t.Chmod(mode.Perm()); err != nil {
			return reason(err)
		}
	}
	return reason(t.Sync())
}

func (t *temporary) Write(p []byte) (int, error) {
	n, err := t.file.Write(p)
	return n, reason(err)
}

// becomes renames the file. Where it can it holds the file until then.
func (t *temporary) becomes(path string) error {
	steps := []func() error{func() error { return t.disk.rename(t.name, path) }, t.Close}
	if !renamesOpen {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			t.discard()
			return reason(err)
		}
	}
	return nil
}

// discard removes the file. An error before says more than one here would.
func (t *temporary) discard() {
	_ = t.Close()
	_ = t.disk.remove(t.name)
}

// swept are the folders from which this process removed what others left.
var swept sync.Map

// removeLeft removes the temporary files and folders in a folder that nobody holds.
func removeLeft(folder string) {
	if _, done := swept.LoadOrStore(folder, true); done {
		return
	}
	entries, _ := os.ReadDir(folder) // else there is nothing to remove
	for _, e := range entries {
		name := e.Name()
		switch {
		case !strings.HasPrefix(name, ".") || !strings.HasSuffix(name, temporarySuffix):
		case e.Type().IsRegular():
			removeUnheld(filepath.Join(folder, name))
		case e.IsDir():
			removeUnheldFolder(filepath.Join(folder, name))
		}
	}
}
