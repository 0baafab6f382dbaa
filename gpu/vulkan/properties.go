package vulkan

import (
	"fmt"
	"slices"
	"unsafe"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan/vk"
)

// properties are what a device says about itself.
type properties struct {
	vk.PhysicalDeviceProperties
	maintenance3 vk.Maintenance3Properties
	software     vk.DriverProperties
	features     vk.Vulkan12Features
	heaps        vk.MemoryProperties
	budget       vk.MemoryBudgetProperties
	budgeted     bool
	extensions   []string
	families     []vk.QueueFamilyProperties
}

func (i *instance) properties(h vk.PhysicalDevice) *properties {
	p := &properties{
		maintenance3: vk.Maintenance3Properties{SType: vk.TypeMaintenance3Properties},
		software:     vk.DriverProperties{SType: vk.TypeDriverProperties},
		features:     vk.Vulkan12Features{SType: vk.TypeVulkan12Features},
		budget:       vk.MemoryBudgetProperties{SType: vk.TypeMemoryBudgetProperties},
	}
	p.maintenance3.PNext = unsafe.Pointer(&p.software)
	all := &vk.PhysicalDeviceProperties2{SType: vk.TypeProperties2, PNext: unsafe.Pointer(&p.maintenance3)}
	vk.Call(i.f.GetPhysicalDeviceProperties2, uintptr(h), uintptr(unsafe.Pointer(all)))
	p.PhysicalDeviceProperties = all.Properties
	features := &vk.PhysicalDeviceFeatures2{SType: vk.TypeFeatures2, PNext: unsafe.Pointer(&p.features)}
	vk.Call(i.f.GetPhysicalDeviceFeatures2, uintptr(h), uintptr(unsafe.Pointer(features)))
	p.extensions = extensionsOf(func(n *uint32, list *vk.ExtensionProperties) vk.Result {
		return vk.Call(i.f.EnumerateDeviceExtensionProperties, uintptr(h), 0, uintptr(unsafe.Pointer(n)), uintptr(unsafe.Pointer(list)))
	})
	p.budgeted = slices.Contains(p.extensions, memoryBudget)
	memory := &vk.MemoryProperties2{SType: vk.TypeMemoryProperties2}
	if p.budgeted {
		memory.PNext = unsafe.Pointer(&p.budget)
	}
	vk.Call(i.f.GetPhysicalDeviceMemoryProperties2, uintptr(h), uintptr(unsafe.Pointer(memory)))
	p.heaps = memory.MemoryProperties
	var n uint32
	vk.Call(i.f.GetPhysicalDeviceQueueFamilyProperties, uintptr(h), uintptr(unsafe.Pointer(&n)), 0)
	if n > 0 {
		p.families = make([]vk.QueueFamilyProperties, n)
		vk.Call(i.f.GetPhysicalDeviceQueueFamilyProperties, uintptr(h), uintptr(unsafe.Pointer(&n)),
			uintptr(unsafe.Pointer(&p.families[0])))
	}
	return p
}

func (p *properties) name() string { return vk.GoString(&p.DeviceName[0]) }

func (p *properties) driver() string {
	name, info := vk.GoString(&p.software.DriverName[0]), vk.GoString(&p.software.DriverInfo[0])
	if info == "" {
		return name
	}
	return name + ", " + info
}

func (p *properties) kind() string {
	switch p.DeviceType {
	case vk.DeviceDiscrete:
		return "discrete"
	case vk.DeviceIntegrated:
		return "integrated"
	case vk.DeviceVirtual:
		return "virtual"
	case vk.DeviceCPU:
		return "processor"
	}
	return "other"
}

// family returns a queue family that computes, or -1: one without graphics if there is
// one, which does not disturb the screen.
func (p *properties) family() int {
	const graphics = 1
	best := -1
	for i, f := range p.families {
		if f.QueueFlags&vk.QueueCompute == 0 || f.QueueCount == 0 {
			continue
		}
		if f.QueueFlags&graphics == 0 {
			return i
		}
		if best < 0 {
			best = i
		}
	}
	return best
}

// usable returns why the device can't be used, or nil.
func (p *properties) usable() error {
	l := &p.Limits
	switch {
	case p.ApiVersion < vk.APIVersion12:
		return fmt.Errorf("%s has Vulkan %d.%d, want 1.2", p.name(), p.ApiVersion>>22, p.ApiVersion>>12&1023)
	case p.features.TimelineSemaphore == 0:
		return fmt.Errorf("%s has no timeline semaphores", p.name())
	case p.family() < 0:
		return fmt.Errorf("%s has no queue that computes", p.name())
	case l.MinStorageBufferOffsetAlignment > pass.Align:
		return fmt.Errorf("%s wants bindings at multiples of %d bytes, above %d", p.name(),
			l.MinStorageBufferOffsetAlignment, pass.Align)
	case l.MaxPushConstantsSize < maxPush:
		return fmt.Errorf("%s has %d bytes of push constants, below %d", p.name(), l.MaxPushConstantsSize, maxPush)
	case l.MaxComputeWorkGroupInvocations < kernel.Threads:
		return fmt.Errorf("%s has work groups of %d, below %d", p.name(), l.MaxComputeWorkGroupInvocations, kernel.Threads)
	}
	return nil
}

// local returns the largest heap of the device's own.
func (p *properties) local() int {
	best := 0
	for i := range p.heaps.HeapCount {
		h, b := p.heaps.Heaps[i], p.heaps.Heaps[best]
		if own, others := h.Flags&vk.HeapDeviceLocal, b.Flags&vk.HeapDeviceLocal; own > others || own == others && h.Size > b.Size {
			best = int(i)
		}
	}
	return best
}

func (p *properties) memory() int64 { return int64(p.heaps.Heaps[p.local()].Size) }

// available returns how many bytes may be used: nine tenths of what is free, or of
// all where the driver does not say.
func (p *properties) available() int64 {
	heap := p.local()
	free := p.heaps.Heaps[heap].Size
	if p.budgeted {
		free = p.budget.HeapBudget[heap] - min(p.budget.HeapUsage[heap], p.budget.HeapBudget[heap])
	}
	return int64(free) / 10 * 9
}

// memoryType returns the first type of those allowed that has all wanted properties, of
// lists of these from best to worst, or -1.
func (p *properties) memoryType(allowed uint32, wanted ...uint32) int {
	for _, flags := range wanted {
		for i := range p.heaps.TypeCount {
			if allowed>>i&1 != 0 && p.heaps.Types[i].PropertyFlags&flags == flags {
				return int(i)
			}
		}
	}
	return -1
}

const visible = vk.MemoryHostVisible | vk.MemoryHostCoherent

// wanted returns the properties of memory for buffers, from best to worst.
func (p *properties) wanted(k run.Kind) []uint32 {
	switch k {
	case run.Upload:
		return []uint32{visible}
	case run.Readback:
		return []uint32{visible | vk.MemoryHostCached, visible}
	}
	if p.unified() {
		return []uint32{vk.MemoryDeviceLocal | visible}
	}
	return []uint32{vk.MemoryDeviceLocal, 0}
}

// unified reports whether the host sees all memory of the device.
func (p *properties) unified() bool {
	const both = vk.MemoryDeviceLocal | visible
	for i := range p.heaps.TypeCount {
		if t := p.heaps.Types[i]; t.PropertyFlags&both == both && int(t.HeapIndex) == p.local() {
			return true
		}
	}
	return false
}

// limits returns what the device can do. How fast it is is a first guess, which says
// how much is submitted at a time.
func (p *properties) limits() run.Limits {
	l := run.Limits{
		Limits: pass.Limits{Range: int64(p.Limits.MaxStorageBufferRange) &^ (pass.Align - 1),
			Slab: int64(min(p.maintenance3.MaxMemoryAllocationSize, 1<<62))},
		Memory:  p.available(),
		Unified: p.unified(),
		Rate:    5e11, Bytes: 5e10,
	}
	if p.DeviceType == vk.DeviceCPU {
		l.Rate, l.Bytes = 2e9, 2e9
	}
	l.FLOPs = l.Rate * passTime.Seconds()
	return l
}
