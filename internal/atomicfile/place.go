package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// place is where a path leads to.
type place struct {
	path   string      // behind symbolic links
	mode   fs.FileMode // 0 if nothing is there
	direct bool        // written to as it is
}

// find follows symbolic links, also to a file that is not there yet.
func find(path string) (place, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		path, err = missing(path)
		return place{path: path}, err
	case err != nil:
		return place{}, err
	case info.IsDir():
		return place{}, errors.New("is a folder")
	case !info.Mode().IsRegular(), opened(path):
		return place{path: path, mode: info.Mode(), direct: true}, nil
	}
	path, err = filepath.EvalSymlinks(path)
	return place{path: path, mode: info.Mode()}, err
}

// opened reports whether a path names what a process has open, as /dev/stdout
// does. It may be a file, of which another process holds the place.
func opened(path string) bool {
	path = filepath.ToSlash(filepath.Clean(path))
	return strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/")
}

// mostLinks is how many symbolic links are followed to a file that is not there.
const mostLinks = 40

// missing returns the name of the file that path would make.
func missing(path string) (string, error) {
	for range mostLinks {
		target, err := os.Readlink(path)
		if err != nil {
			break // it is no link
		}
		if !filepath.IsAbs(target) {
			target = filepath.Join(filepath.Dir(path), target)
		}
		path = target
	}
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return "", errors.Join(err, errors.New("the folder that should hold it is a file"))
	}
	return filepath.Join(folder, filepath.Base(path)), nil
}
