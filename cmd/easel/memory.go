package main

import (
	"fmt"
	"math"
	"runtime/debug"

	"github.com/dustin/go-humanize"
)

// bytesFlag is a flag for a size such as 2GiB.
type bytesFlag struct {
	n    int64
	text string
}

func (f *bytesFlag) String() string { return f.text }

func (f *bytesFlag) Type() string { return "SIZE" }

func (f *bytesFlag) Set(s string) error {
	n, err := humanize.ParseBytes(s)
	if err != nil || n == 0 || n > math.MaxInt64 {
		return fmt.Errorf("want a size, such as 2GiB or 300MiB")
	}
	f.n, f.text = int64(n), s
	return nil
}

// apply tells the collector of the limit, so that what one stage leaves behind
// is gone before the next.
func (f *bytesFlag) apply() {
	if f.n > 0 {
		debug.SetMemoryLimit(f.n)
	}
}
