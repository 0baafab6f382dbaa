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
	w        io.Writer
	terminal bool
	bar      *progressbar.ProgressBar
	last     time.Time
}

func newProgress(w io.Writer) *progress {
	f, ok := w.(*os.File)
	return &progress{w: w, terminal: ok && term.IsTerminal(int(f.Fd())), last: time.Now()}
}

func (p *progress) step(s sdxl.Progress) {
	if !p.terminal {
		now := time.Now()
		fmt.Fprintf(p.w, "step %d/%d, %.2f s\n", s.Step, s.Steps, now.Sub(p.last).Seconds())
		p.last = now
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(s.Steps,
			progressbar.OptionSetWriter(p.w), progressbar.OptionSetDescription("sampling"), progressbar.OptionShowIts(),
			progressbar.OptionSetItsString("steps"), progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true),
			progressbar.OptionClearOnFinish(), progressbar.OptionThrottle(50*time.Millisecond))
	}
	_ = p.bar.Set(s.Step) // a terminal that is gone is no reason to stop
}

func (p *progress) end() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
