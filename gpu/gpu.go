// Package gpu finds graphics processors and opens them as backends of package nn.
//
// It binds Vulkan 1.2 and CUDA at run time, without cgo: a program builds anywhere, and
// runs where there is no driver. On Linux such a program is linked dynamically.
package gpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/df65613c/easel/gpu/cuda"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/profile"
)

// Device describes a device that Open can open.
type Device struct {
	ID     string // such as "vulkan:0" or "cuda:0"
	Name   string // as its driver calls it
	Driver string // name and version of the driver
	Memory int64  // bytes of its own, or that it shares with the processor
	Type   string // discrete, integrated, virtual, processor (an emulation) or other
}

// Real reports whether the device is hardware, and not an emulation on the
// processor.
func (d Device) Real() bool { return d.Type != "processor" }

// Devices lists the devices. A device with drivers for both Vulkan and CUDA is
// listed twice. If there is no device, the error says why.
func Devices(ctx context.Context) ([]Device, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var list []Device
	byCUDA, noCUDA := cuda.Devices()
	for _, d := range byCUDA {
		list = append(list, Device{fmt.Sprintf("%s:%d", cudaName, d.Index), d.Name, d.Driver, d.Memory, "discrete"})
	}
	byVulkan, noVulkan := vulkan.Devices()
	for _, d := range byVulkan {
		list = append(list, Device{fmt.Sprintf("%s:%d", vulkanName, d.Index), d.Name, d.Driver, d.Memory, d.Type})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("%w; %w", noVulkan, noCUDA)
	}
	return list, nil
}

// Options adjusts a backend. The zero value is good.
type Options struct {
	Precision nn.Precision     // F32, F16 or Auto; "" is Auto, which is F16
	Memory    int64            // bytes of the device that may be used; 0 is nine tenths of what is free
	Profile   *profile.Profile // takes the time of every operation; nil is none
	Cache     string           // folder for compiled kernels; "" is in the user's cache folder, "-" is none
}

const (
	vulkanName = "vulkan"
	cudaName   = "cuda"
)

// ErrNoDevice says that there is no device of the kind that was asked for.
var ErrNoDevice = errors.New("no such device")

// Open returns a backend on a device: "vulkan" or "vulkan:0" is the first that
// Vulkan has, "cuda:1" the second that CUDA has, and "auto" the first of
// Devices that is hardware and can be opened. If there is none, the error wraps
// ErrNoDevice.
func Open(id string, o Options) (nn.Backend, error) {
	if id == "auto" {
		return openAny(o)
	}
	kind, number, numbered := strings.Cut(id, ":")
	index, err := strconv.Atoi(number)
	if !numbered {
		index, err = 0, nil
	}
	if kind != vulkanName && kind != cudaName || err != nil || index < 0 {
		return nil, fmt.Errorf("no device %q: want auto, vulkan, cuda, or a number of a device such as vulkan:0", id)
	}
	var d run.Driver
	if kind == cudaName {
		d, err = cuda.Open(index)
	} else {
		d, err = vulkan.Open(index, vulkan.Options{Cache: cacheFolder(o.Cache)})
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoDevice, id, err)
	}
	b, err := run.New(d, run.Options{Precision: o.Precision, Memory: o.Memory, Profile: o.Profile})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return b, nil
}

func openAny(o Options) (nn.Backend, error) {
	list, err := Devices(context.Background())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoDevice, err)
	}
	var errs []error
	for _, d := range list {
		if !d.Real() {
			continue
		}
		b, err := Open(d.ID, o)
		if err == nil || !errors.Is(err, ErrNoDevice) {
			return b, err
		}
		errs = append(errs, err)
	}
	if errs == nil {
		return nil, fmt.Errorf("%w: no device but the processor itself", ErrNoDevice)
	}
	return nil, errors.Join(errs...)
}

// cacheFolder returns the folder that Options.Cache means.
func cacheFolder(cache string) string {
	switch cache {
	case "-":
		return ""
	case "":
		if user, err := os.UserCacheDir(); err == nil {
			return filepath.Join(user, "easel")
		}
	}
	return cache
}

// Precisions lists the precisions that backends have.
func Precisions() []string { return run.Precisions() }
