// Package cuda drives devices by NVIDIA's driver library.
package cuda

import (
	"errors"
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/gpu/cuda/cu"
)

// Info describes a device.
type Info struct {
	Index        int // among those of Devices
	Name, Driver string
	Memory       int64 // bytes
}

// Devices lists the devices. Where there is no driver the error says so.
func Devices() ([]Info, error) {
	f, err := cu.Load()
	if err != nil {
		return nil, err
	}
	return devices(f)
}

func devices(f *cu.Funcs) ([]Info, error) {
	if err := cu.Check("cuInit", cu.Start(f)); err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	var version, n int32
	err := errors.Join(
		cu.Check("cuDriverGetVersion", cu.Call(f.DriverGetVersion, uintptr(unsafe.Pointer(&version)))),
		cu.Check("cuDeviceGetCount", cu.Call(f.DeviceGetCount, uintptr(unsafe.Pointer(&n)))))
	if err != nil || n <= 0 {
		return nil, errors.Join(errors.New("cuda: no device"), err)
	}
	var list []Info
	for i := range int(n) {
		p, err := propertiesOf(f, i)
		if err != nil {
			return nil, fmt.Errorf("cuda: device %d: %w", i, err)
		}
		list = append(list, Info{i, p.name, fmt.Sprintf("CUDA %d.%d", version/1000, version%1000/10), p.memory})
	}
	return list, nil
}

// properties are what a device says about itself.
type properties struct {
	handle     int32
	name       string
	memory     int64
	capability int // 80 for compute capability 8.0
	processors int
	clock      int // kHz
}

// Attributes of devices.
const (
	attributeClock           = 13
	attributeProcessors      = 16
	attributeCapabilityMajor = 75
	attributeCapabilityMinor = 76
)

func propertiesOf(f *cu.Funcs, index int) (*properties, error) {
	p := new(properties)
	if err := cu.Check("cuDeviceGet", cu.Call(f.DeviceGet, uintptr(unsafe.Pointer(&p.handle)), uintptr(index))); err != nil {
		return nil, err
	}
	name, size := make([]byte, 256), uintptr(0)
	err := errors.Join(
		cu.Check("cuDeviceGetName", cu.Call(f.DeviceGetName, uintptr(unsafe.Pointer(&name[0])), uintptr(len(name)), uintptr(p.handle))),
		cu.Check("cuDeviceTotalMem", cu.Call(f.DeviceTotalMem, uintptr(unsafe.Pointer(&size)), uintptr(p.handle))))
	attribute := func(number uintptr) int {
		var v int32
		r := cu.Call(f.DeviceGetAttribute, uintptr(unsafe.Pointer(&v)), number, uintptr(p.handle))
		err = errors.Join(err, cu.Check("cuDeviceGetAttribute", r))
		return int(v)
	}
	p.name, p.memory = cu.GoString(name), int64(size)
	p.capability = 10*attribute(attributeCapabilityMajor) + attribute(attributeCapabilityMinor)
	p.processors, p.clock = max(1, attribute(attributeProcessors)), attribute(attributeClock)
	return p, err
}
