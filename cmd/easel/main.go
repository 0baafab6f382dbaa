// Command easel makes pictures with Stable Diffusion XL on the processor.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/df65613c/easel/internal/cpu"
)

// exitInterrupted is the status of a shell command that SIGINT ended.
const exitInterrupted = 130

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	err := cpu.Check()
	if err == nil {
		err = newRoot().ExecuteContext(ctx)
	}
	switch {
	case err == nil:
		return
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(os.Stderr, "easel: interrupted")
		os.Exit(exitInterrupted)
	default:
		fmt.Fprintln(os.Stderr, "easel: "+faultMessage(err))
		os.Exit(1)
	}
}
