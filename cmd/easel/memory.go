package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/dustin/go-humanize"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sdxl"
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

// checkMemory returns an error if a picture of the model's size does not fit
// the pipeline's memory, with the least that would do.
func checkMemory(ctx context.Context, p *sdxl.Pipeline) error {
	if p.Memory() <= 0 {
		return nil
	}
	plan := func(memory int64) (fits bool, err error) {
		var short *nn.MemoryError
		_, err = sdxl.NewPipeline(p.Model(), p.Backend(), sdxl.PipelineOptions{Memory: memory}).Plan(ctx, sdxl.Options{Steps: new(1)})
		if errors.As(err, &short) {
			return false, nil
		}
		return err == nil, err
	}
	fits, err := plan(p.Memory())
	if fits || err != nil {
		return err
	}
	const exact = 1 << 20
	low, high := p.Memory(), 2*p.Memory()
	for ; ; low, high = high, 2*high {
		if fits, err = plan(high); fits || err != nil {
			break
		}
	}
	for err == nil && high-low > exact {
		middle := low + (high-low)/2
		if fits, err = plan(middle); fits {
			high = middle
		} else {
			low = middle
		}
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("--memory is %s, want %s at least for a picture of the model's size",
		humanize.IBytes(uint64(p.Memory())), mebibytes(high))
}

// mebibytes shows a size rounded up, so that as much is enough.
func mebibytes(n int64) string { return fmt.Sprintf("%dMiB", (n+1<<20-1)>>20) }
