package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// file is what is done with a file that is written.
type file interface {
	io.Writer
	Chmod(mode fs.FileMode) error
	Sync() error
	Close() error
}

// disk is what is done with the file system. Tests put faults in its place.
type disk struct {
	open       func(path string, flag int, mode fs.FileMode) (file, error)
	rename     func(from, to string) error
	remove     func(path string) error
	syncFolder func(path string) error
}

var osDisk = &disk{
	open: func(path string, flag int, mode fs.FileMode) (file, error) {
		f, err := os.OpenFile(path, flag, mode)
		if err != nil {
			return nil, err // and no *os.File in an interface that is not nil
		}
		return f, nil
	},
	rename:     os.Rename,
	remove:     os.Remove,
	syncFolder: syncFolder,
}

// check is Check.
func (d *disk) check(path string) error {
	p, err := find(path)
	switch {
	case err != nil:
		return reason(err)
	case p.direct: // opening a pipe would wait for its reader
		return nil
	}
	if err := d.mayWrite(p); err != nil {
		return err
	}
	t, err := d.temporary(p.path)
	if err != nil {
		return err
	}
	t.discard()
	return nil
}

// mayWrite asks for the right to write a file that is there, which replacing it
// would not need.
func (d *disk) mayWrite(p place) error {
	if p.mode == 0 {
		return nil
	}
	f, err := d.open(p.path, os.O_WRONLY, 0)
	if err != nil {
		return reason(err)
	}
	return reason(f.Close())
}

// write is Write.
func (d *disk) write(path string, write func(w io.Writer) error) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	p, err := find(path)
	switch {
	case err != nil:
		return reason(err)
	case p.direct:
		return d.writeDirect(p.path, write)
	}
	if err := d.mayWrite(p); err != nil {
		return err
	}
	removeLeft(filepath.Dir(p.path))
	t, err := d.temporary(p.path)
	if err != nil {
		return err
	}
	if err := t.fill(p.mode, write); err != nil {
		t.discard()
		return err
	}
	if err := t.becomes(p.path); err != nil {
		return err
	}
	return reason(d.syncFolder(filepath.Dir(p.path)))
}

// writeDirect writes to what is no file.
func (d *disk) writeDirect(path string, write func(w io.Writer) error) error {
	f, err := d.open(path, os.O_WRONLY, 0)
	if err != nil {
		return reason(err)
	}
	return errors.Join(buffered(f, write), reason(f.Close()))
}

func buffered(f io.Writer, write func(w io.Writer) error) error {
	w := bufio.NewWriterSize(f, 1<<20)
	if err := write(w); err != nil {
		return err
	}
	return w.Flush()
}

// reason drops the name of a file from the system's error: the caller adds the
// one that the user knows.
func reason(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	if e := (*os.LinkError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
