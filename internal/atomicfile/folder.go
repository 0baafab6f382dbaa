package atomicfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// WriteFolder calls write with a temporary folder beside path and renames it to
// path, which must not be there. Where anything fails the temporary folder is
// removed. On Unix what runs that were killed left beside path is removed; on other
// systems nobody can tell it from what is being written.
func WriteFolder(path string, write func(folder string) error) (err error) {
	path = filepath.Clean(path)
	defer func() {
		if err != nil {
			err = fmt.Errorf("%s: %w", path, err)
		}
	}()
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(reason(err), fs.ErrExist)
	}
	parent, base := filepath.Split(path)
	removeLeft(filepath.Clean(parent))
	folder, release, err := temporaryFolder(parent, base)
	if err != nil {
		return err
	}
	defer release()
	if err := write(folder); err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	err = os.Chmod(folder, 0o755)
	if err == nil {
		err = syncFolder(folder)
	}
	if err == nil {
		err = os.Rename(folder, path)
	}
	if err != nil {
		return errors.Join(reason(err), os.RemoveAll(folder))
	}
	return reason(syncFolder(filepath.Clean(parent)))
}

// temporaryFolder makes a folder that is held until release is called.
func temporaryFolder(parent, base string) (folder string, release func(), err error) {
	for range namesTried {
		folder, err := os.MkdirTemp(parent, "."+base[:min(len(base), maxBase)]+".*"+temporarySuffix)
		if err != nil {
			return "", nil, reason(err)
		}
		if release, ok := holdFolder(folder); ok {
			return folder, release, nil
		} // it was removed before it was held
	}
	return "", nil, errors.New("no name for a temporary folder is free")
}
