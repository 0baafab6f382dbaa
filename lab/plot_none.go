//go:build nodemo

package lab

import (
	"errors"
	"io"
)

// Write fails: the library that draws and its fonts are 8 MB.
func (Figure) Write(io.Writer, string) error {
	return errors.New("no plots: this program was built without them, to be small")
}
