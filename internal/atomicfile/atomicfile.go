// Package atomicfile writes files that are there whole or not at all, also
// after a crash of the machine.
package atomicfile

import (
	"fmt"
	"io"
)

// Write calls write with a temporary file beside path and renames it to path.
// Where anything fails the temporary file is removed and path is as it was.
//
// A symbolic link stays one, and what it points to is written. A file that is
// there keeps its mode; a new one has that of the umask. What is no file, such
// as a pipe or /dev/null, is written to as it is.
//
// What runs that were killed left in the folder is removed.
func Write(path string, write func(w io.Writer) error) error {
	return osDisk.write(path, write)
}

// Check returns the error that Write would begin with: path is a folder, or
// lies in none, or may not be written. It leaves everything as it was.
func Check(path string) error {
	if err := osDisk.check(path); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
