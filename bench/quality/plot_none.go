//go:build nodemo

package quality

import (
	"errors"
	"io"
)

// WritePlot fails: the library that draws and its fonts are 8 MB.
func WritePlot(io.Writer, string, []Tally) error {
	return errors.New("no plots: this program was built without them, to be small")
}
