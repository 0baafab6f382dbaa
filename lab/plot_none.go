//go:build nodemo

package lab

import (
	"errors"
	"io"
)

var errNone = errors.New("no plots and reports: this program was built without them, to be small")

// Write fails: the library that draws and its fonts are 8 MB.
func (Figure) Write(io.Writer, string) error { return errNone }

// Write fails: templates of HTML keep 4 MB of methods in the program that they
// might call.
func (Report) Write(io.Writer) error { return errNone }
