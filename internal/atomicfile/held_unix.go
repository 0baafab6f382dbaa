//go:build unix && !solaris && !aix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

const renamesOpen = true

// hold locks a temporary file for as long as it is open, so that others can
// tell it from what a killed run left. It returns false if the file was taken
// for such before.
func hold(f file, name string) bool {
	o, ok := f.(interface {
		Fd() uintptr
		Stat() (fs.FileInfo, error)
	})
	if !ok || unix.Flock(int(o.Fd()), unix.LOCK_EX|unix.LOCK_NB) != nil {
		return true // without locks nobody removes it
	}
	here, err := o.Stat()
	if err != nil {
		return true
	}
	there, err := os.Lstat(name)
	return err == nil && os.SameFile(here, there)
}

// removeUnheld removes a temporary file unless it is held.
func removeUnheld(name string) {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		_ = os.Remove(name) // else it stays
	}
}

// holdFolder is hold for a folder, until release is called.
func holdFolder(name string) (release func(), ok bool) {
	f, err := os.Open(name)
	if err != nil {
		return func() {}, !errors.Is(err, fs.ErrNotExist)
	}
	if !hold(f, name) {
		f.Close()
		return nil, false
	}
	return func() { f.Close() }, true
}

// removeUnheldFolder removes a temporary folder unless it is held.
func removeUnheldFolder(name string) {
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil {
		_ = os.RemoveAll(name) // else it stays
	}
}

// syncFolder brings the names in a folder to the disk, where it may be read and
// its file system can.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	err = f.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}
