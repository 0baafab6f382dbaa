//go:build nodemo

package report

import (
	"errors"
	"io"
)

var errNoPlots = errors.New("no plots: this program was built without them, to be small")

// WriteRoofline fails: the library that draws and its fonts are 8 MB.
func WriteRoofline(io.Writer, string, float64, float64, []Point) error { return errNoPlots }

// WriteScale fails.
func WriteScale(io.Writer, string, string, float64, []Cost) error { return errNoPlots }

// WriteLines fails.
func WriteLines(io.Writer, string, string, string, []Line) error { return errNoPlots }
