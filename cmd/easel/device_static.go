//go:build !gpu && !darwin && !windows

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/nn"
)

// gpuProgram is this program built with the tag gpu. Only a program that is linked
// dynamically can load a driver, and this one is to run on any system.
const gpuProgram = "easel-gpu"

var errNoGPUProgram = errors.New(gpuProgram +
	" is neither beside this program nor in PATH; build it with: go build -tags gpu -o " + gpuProgram + " ./cmd/easel")

func gpuDevices(context.Context) ([]device, error) { return nil, errNoGPUProgram }

// openGPU is met only where handOver found no program for GPUs.
func openGPU(id string, _ gpuOptions) (nn.Backend, error) {
	if id == anyDevice {
		fmt.Fprintf(os.Stderr, "using the processor: %v\n", errNoGPUProgram)
		return nil, nil
	}
	return nil, fmt.Errorf("--device %s: %w", id, errNoGPUProgram)
}

// handOver replaces this process by the program for GPUs, with the same arguments,
// where the command asks for one.
func handOver(cmd *cobra.Command) error {
	asked := cmd.Name() == "devices"
	if f := cmd.Flags().Lookup(deviceName); f != nil {
		asked = f.Value.String() != onCPU
	}
	if !asked {
		return nil
	}
	path := findGPUProgram()
	if path == "" {
		return nil // openGPU says so
	}
	if err := syscall.Exec(path, append([]string{path}, os.Args[1:]...), os.Environ()); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}

func findGPUProgram() string {
	own, err := os.Executable()
	if err != nil {
		return ""
	}
	this, err := os.Stat(own)
	if err != nil {
		return ""
	}
	beside := filepath.Join(filepath.Dir(own), gpuProgram)
	for _, path := range []string{beside, inPath(gpuProgram)} {
		fi, err := os.Stat(path)
		if err == nil && fi.Mode().IsRegular() && fi.Mode()&0o111 != 0 && !os.SameFile(fi, this) {
			return path
		}
	}
	return ""
}

func inPath(name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}
