//go:build unix

package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// asCommand makes the test program behave as easel, for tests of signals.
const asCommand = "EASEL_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Args = append([]string{"easel"}, strings.Fields(os.Getenv(asCommand))...)
		faultAsCommand()
		main()
		return
	}
	os.Exit(m.Run())
}

// TestSecondSignalEndsAtOnce, whatever the first still waits for.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), asCommand+"=serve --listen 127.0.0.1:0 --grace 10m --max-pixels 67108864")
	log, err := cmd.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewScanner(log)
	next := func(pattern string) string {
		for re := regexp.MustCompile(pattern); lines.Scan(); {
			if m := re.FindString(lines.Text()); m != "" {
				return m
			}
		}
		t.Fatal("no ", pattern)
		return ""
	}
	url := next(`http://\S+`)
	go func() {
		_, _, _ = post(url+"/predict", `{"text_prompts":[{"text":"a star"}],"steps":150,"width":1024,"height":1024}`)
	}()
	require.Eventually(t, func() bool {
		answer, err := http.Get(url + "/metrics")
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		for body := bufio.NewScanner(answer.Body); body.Scan(); {
			if body.Text() == "easel_jobs_running 1" {
				return true
			}
		}
		return false
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	next("draining")
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	require.Equal(t, exitInterrupted, exit.ExitCode())
}
