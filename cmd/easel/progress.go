package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/df65613c/easel/sdxl"
)

// progress shows how far a picture is: as a bar on a terminal, as lines elsewhere.
type progress struct {
	w    io.Writer
	bar  *progressbar.ProgressBar // nil where w is no terminal
	last time.Time
}

// newProgress starts the clock for so many steps; image-to-image takes fewer.
func newProgress(w io.Writer, steps int) *progress {
	p := &progress{w: w, last: time.Now()}
	if isTerminal(w) {
		p.bar = progressbar.NewOptions(steps,
			progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("sampling"), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("steps"), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionSetElapsedTime(true))
	}
	return p
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p *progress) step(s sdxl.Progress) {
	if p.bar == nil {
		now := time.Now()
		fmt.Fprintf(p.w, "step %d/%d, %.2f s\n", s.Step, s.Steps, now.Sub(p.last).Seconds())
		p.last = now
		return
	}
	if p.bar.GetMax() != s.Steps {
		p.bar.ChangeMax(s.Steps)
	}
	_ = p.bar.Set(s.Step) // a terminal that is gone is no reason to stop
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
