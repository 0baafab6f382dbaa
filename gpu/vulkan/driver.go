package vulkan

import (
	"errors"
	"fmt"
	"time"
	"unsafe"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan/vk"
)

// passTime is how long a pass may take: what is submitted can't be cancelled.
const passTime = 50 * time.Millisecond

// Options adjusts a driver. The zero value is good.
type Options struct {
	Cache  string  // folder for compiled kernels; "" is none
	Checks *Checks // nil but in tests
}

// driver implements run.Driver.
type driver struct {
	*instance
	*properties
	f         vk.DeviceFuncs
	device    vk.DeviceHandle
	queue     vk.Queue
	pool      vk.CommandPool
	done      vk.Semaphore // counts submissions
	ticket    uint64
	cache     vk.PipelineCache
	cacheFile string
	added     bool // to the cache
	layouts   map[int]vk.DescriptorSetLayout
	programs  map[kernel.ID]*program
	pipelines map[kernel.Variant]vk.Pipeline
}

// program is what the variants of a kernel share.
type program struct {
	module vk.ShaderModule
	set    vk.DescriptorSetLayout
	layout vk.PipelineLayout
}

// Open returns a driver of the device with the given index among those of Devices.
func Open(index int, o Options) (_ run.Driver, err error) {
	i, err := newInstance(o.Checks)
	if err != nil {
		return nil, err
	}
	d := &driver{
		instance: i, layouts: make(map[int]vk.DescriptorSetLayout),
		programs: make(map[kernel.ID]*program), pipelines: make(map[kernel.Variant]vk.Pipeline),
	}
	defer func() {
		if err != nil {
			d.Close()
		}
	}()
	list, err := i.devices()
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(list) {
		return nil, fmt.Errorf("vulkan: no device %d; there are %d", index, len(list))
	}
	d.properties = i.properties(list[index].handle)
	if err := d.connect(list[index].handle); err != nil {
		return nil, fmt.Errorf("vulkan: %s: %w", d.properties.name(), err)
	}
	return d, d.openCache(o.Cache)
}

// connect makes the device, its queue, and what commands need.
func (d *driver) connect(h vk.PhysicalDevice) error {
	family, priority := d.family(), float32(1)
	queue := &vk.DeviceQueueCreateInfo{SType: vk.TypeDeviceQueueCreateInfo, QueueFamilyIndex: uint32(family), QueueCount: 1,
		PQueuePriorities: &priority}
	features := &vk.Vulkan12Features{SType: vk.TypeVulkan12Features, TimelineSemaphore: 1}
	info := &vk.DeviceCreateInfo{SType: vk.TypeDeviceCreateInfo, PNext: unsafe.Pointer(features), QueueCreateInfoCount: 1,
		PQueueCreateInfos: queue}
	var names []*byte
	for _, e := range d.extensions {
		if e == portabilitySubset || e == memoryBudget {
			names = append(names, vk.CString(e))
		}
	}
	if len(names) > 0 {
		info.EnabledExtensionCount, info.PpEnabledExtensionNames = uint32(len(names)), &names[0]
	}
	if err := vk.Check("vkCreateDevice",
		vk.Call(d.instance.f.CreateDevice, uintptr(h), uintptr(unsafe.Pointer(info)), 0,
			uintptr(unsafe.Pointer(&d.device)))); err != nil {
		return err
	}
	if err := vk.LoadDevice(&d.f, &d.instance.f, d.device); err != nil {
		return err
	}
	vk.Call(d.f.GetDeviceQueue, uintptr(d.device), uintptr(family), 0, uintptr(unsafe.Pointer(&d.queue)))
	pool := &vk.CommandPoolCreateInfo{SType: vk.TypeCommandPoolCreateInfo, Flags: vk.CommandPoolReset,
		QueueFamilyIndex: uint32(family)}
	kind := &vk.SemaphoreTypeCreateInfo{SType: vk.TypeSemaphoreTypeCreateInfo, SemaphoreType: vk.SemaphoreTimeline}
	semaphore := &vk.SemaphoreCreateInfo{SType: vk.TypeSemaphoreCreateInfo, PNext: unsafe.Pointer(kind)}
	return errors.Join(
		vk.Check("vkCreateCommandPool", d.create(d.f.CreateCommandPool, unsafe.Pointer(pool), unsafe.Pointer(&d.pool))),
		vk.Check("vkCreateSemaphore", d.create(d.f.CreateSemaphore, unsafe.Pointer(semaphore), unsafe.Pointer(&d.done))),
	)
}

// create calls a command that makes an object of the device.
func (d *driver) create(fn uintptr, info, result unsafe.Pointer) vk.Result {
	return vk.Call(fn, uintptr(d.device), uintptr(info), 0, uintptr(result))
}

// destroy calls a command that ends an object of the device.
func (d *driver) destroy(fn uintptr, object uint64) {
	if object != 0 {
		vk.Call(fn, uintptr(d.device), uintptr(object), 0)
	}
}

// fault returns the error of a command, as package run knows them.
func fault(command string, r vk.Result) error {
	err := vk.Check(command, r)
	switch r {
	case vk.OutOfDeviceMemory, vk.OutOfHostMemory:
		return fmt.Errorf("%w: %w", run.ErrMemory, err)
	case vk.DeviceLost:
		return fmt.Errorf("%w: %w", run.ErrLost, err)
	}
	return err
}

func (d *driver) Name() string { return fmt.Sprintf("vulkan (%s)", d.properties.name()) }

func (d *driver) Limits() run.Limits { return d.limits() }

// buffer is a range of memory; host is nil unless the host sees it.
type buffer struct {
	handle vk.Buffer
	memory vk.DeviceMemory
	size   int64
	host   []byte
}

func (b *buffer) Size() int64 { return b.size }

func (d *driver) Alloc(bytes int64, k run.Kind) (_ run.Buffer, err error) {
	b := &buffer{size: bytes}
	defer func() {
		if err != nil {
			d.Free(b)
		}
	}()
	info := &vk.BufferCreateInfo{SType: vk.TypeBufferCreateInfo, Size: uint64(bytes),
		Usage: vk.UsageStorage | vk.UsageTransferSrc | vk.UsageTransferDst}
	if err := fault("vkCreateBuffer", d.create(d.f.CreateBuffer, unsafe.Pointer(info), unsafe.Pointer(&b.handle))); err != nil {
		return nil, err
	}
	need := new(vk.MemoryRequirements)
	vk.Call(d.f.GetBufferMemoryRequirements, uintptr(d.device), uintptr(b.handle), uintptr(unsafe.Pointer(need)))
	kind := d.memoryType(need.MemoryTypeBits, d.wanted(k)...)
	if kind < 0 {
		return nil, errors.New("no type of memory fits")
	}
	memory := &vk.MemoryAllocateInfo{SType: vk.TypeMemoryAllocateInfo, AllocationSize: need.Size, MemoryTypeIndex: uint32(kind)}
	if err := fault("vkAllocateMemory",
		d.create(d.f.AllocateMemory, unsafe.Pointer(memory), unsafe.Pointer(&b.memory))); err != nil {
		return nil, err
	}
	if err := fault("vkBindBufferMemory",
		vk.Call(d.f.BindBufferMemory, uintptr(d.device), uintptr(b.handle), uintptr(b.memory), 0)); err != nil {
		return nil, err
	}
	if d.heaps.Types[kind].PropertyFlags&visible != visible {
		return b, nil
	}
	var at unsafe.Pointer // outside of Go's heap
	if err := fault("vkMapMemory",
		vk.Call(d.f.MapMemory, uintptr(d.device), uintptr(b.memory), 0, ^uintptr(0), 0, uintptr(unsafe.Pointer(&at)))); err != nil {
		return nil, err
	}
	b.host = unsafe.Slice((*byte)(at), bytes)
	return b, nil
}

func (d *driver) Free(m run.Buffer) {
	b := m.(*buffer)
	d.destroy(d.f.DestroyBuffer, uint64(b.handle))
	d.destroy(d.f.FreeMemory, uint64(b.memory))
}

func (d *driver) Host(m run.Buffer) []byte { return m.(*buffer).host }

func (d *driver) Close() error {
	var err error
	if d.f.DeviceWaitIdle != 0 {
		vk.Call(d.f.DeviceWaitIdle, uintptr(d.device))
		err = d.saveCache()
		for _, p := range d.pipelines {
			d.destroy(d.f.DestroyPipeline, uint64(p))
		}
		for _, p := range d.programs {
			d.destroy(d.f.DestroyPipelineLayout, uint64(p.layout))
			d.destroy(d.f.DestroyShaderModule, uint64(p.module))
		}
		for _, l := range d.layouts {
			d.destroy(d.f.DestroyDescriptorSetLayout, uint64(l))
		}
		d.destroy(d.f.DestroyPipelineCache, uint64(d.cache))
		d.destroy(d.f.DestroySemaphore, uint64(d.done))
		d.destroy(d.f.DestroyCommandPool, uint64(d.pool))
		vk.Call(d.f.DestroyDevice, uintptr(d.device), 0)
	}
	d.instance.close()
	return err
}
