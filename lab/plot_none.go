//go:build nodemo

package lab

import (
	"errors"
	"io"
)

// WritePlot fails: the library that draws and its fonts are 8 MB.
func WritePlot(io.Writer, string, []Curve) error {
	return errors.New("no plots: this program was built without them, to be small")
}
