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

// exitInterrupted is the status that shells give a command which SIGINT ended.
const exitInterrupted = 130

func main() {
	refuseLargeFiles()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	signals := make(chan os.Signal, 2) // room for both: none is lost, however close they are
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		cancel()
		<-signals
		os.Exit(exitInterrupted) // whatever the first still waits for
	}()
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
