//go:build gpu || darwin || windows

package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/gpu"
	"github.com/df65613c/easel/nn"
)

func gpuDevices(ctx context.Context) (list []device, why error) {
	found, err := gpu.Devices(ctx)
	for _, d := range found {
		list = append(list, device{d.ID, d.Name, d.Driver, d.Type, d.Memory})
	}
	return list, err
}

// openGPU opens a device. It returns nil where any device will do and there is none.
func openGPU(id string, o gpuOptions) (nn.Backend, error) {
	b, err := gpu.Open(id, gpu.Options{Precision: o.precision, Memory: o.memory, Profile: o.profile})
	if id == anyDevice && errors.Is(err, gpu.ErrNoDevice) {
		fmt.Fprintf(os.Stderr, "using the processor: %v\n", err)
		return nil, nil
	}
	return b, err
}

// handOver does nothing: this program drives GPUs itself.
func handOver(*cobra.Command) error { return nil }
