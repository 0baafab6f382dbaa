// Package gpu finds graphics processors and opens them as backends of package nn.
//
// It binds Vulkan 1.2 at run time, without cgo: a program builds anywhere, and runs
// where there is no driver. On Linux such a program is linked dynamically.
package gpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/profile"
)

// Device is one that Open takes.
type Device struct {
	ID     string // such as "vulkan:0"
	Name   string // as its driver calls it
	Driver string // name and version of the driver
	Memory int64  // bytes of its own, or that it shares with the processor
	Type   string // discrete, integrated, virtual, processor (an emulation) or other
}

// Real reports whether the device is hardware rather than the processor in its place.
func (d Device) Real() bool { return d.Type != "processor" }

// Devices lists the devices. Where there is none the error says why.
func Devices(ctx context.Context) ([]Device, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found, err := vulkan.Devices()
	if err != nil {
		return nil, err
	}
	list := make([]Device, len(found))
	for i, d := range found {
		list[i] = Device{fmt.Sprintf("%s:%d", vulkanName, d.Index), d.Name, d.Driver, d.Memory, d.Type}
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

const vulkanName = "vulkan"

// ErrNoDevice says that there is no device of the kind that was asked for.
var ErrNoDevice = errors.New("no such device")

// Open returns a backend on a device: "vulkan" or "vulkan:0" is the first of Devices,
// "vulkan:1" the second, and "auto" the first that is hardware. Where there is none,
// the error wraps ErrNoDevice.
func Open(id string, o Options) (nn.Backend, error) {
	index, err := indexOf(id)
	if err != nil {
		return nil, err
	}
	cache := o.Cache
	switch cache {
	case "-":
		cache = ""
	case "":
		if user, err := os.UserCacheDir(); err == nil {
			cache = filepath.Join(user, "easel")
		}
	}
	d, err := vulkan.Open(index, vulkan.Options{Cache: cache})
	if err != nil {
		return nil, fmt.Errorf("%w: %s: %w", ErrNoDevice, id, err)
	}
	b, err := run.New(d, run.Options{Precision: o.Precision, Memory: o.Memory, Profile: o.Profile})
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return b, nil
}

// indexOf returns the index of a device among those of Vulkan.
func indexOf(id string) (int, error) {
	kind, number, numbered := strings.Cut(id, ":")
	index, err := strconv.Atoi(number)
	switch {
	case id == "auto":
		list, err := Devices(context.Background())
		for i, d := range list {
			if d.Real() {
				return i, nil
			}
		}
		if err == nil {
			err = errors.New("no device but the processor itself")
		}
		return 0, fmt.Errorf("%w: %w", ErrNoDevice, err)
	case kind == vulkanName && !numbered:
		return 0, nil
	case kind != vulkanName, err != nil, index < 0:
		return 0, fmt.Errorf("no device %q: want auto, vulkan, or a number of a device such as vulkan:0", id)
	}
	return index, nil
}

// Precisions lists the precisions that backends have.
func Precisions() []string { return run.Precisions() }
