package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/df65613c/easel/sdxl"
)

// progress shows how far a picture is on a terminal, and nothing elsewhere: a
// file that standard error goes to is for messages.
type progress struct{ bar *progressbar.ProgressBar } // nil where there is no terminal

// newProgress starts the clock.
func newProgress(w io.Writer) progress {
	if !isTerminal(w) {
		return progress{}
	}
	return progress{progressbar.NewOptions(sdxl.DefaultSteps,
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription("sampling"), progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("steps"), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
		progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond), progressbar.OptionSetElapsedTime(true))}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (p progress) step(s sdxl.Progress) {
	if p.bar == nil {
		return
	}
	if p.bar.GetMax() != s.Steps { // image-to-image runs fewer
		p.bar.ChangeMax(s.Steps)
	}
	_ = p.bar.Set(s.Step) // a terminal that is gone is no reason to stop
}

func (p progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
