package vk

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Global, InstanceFuncs and DeviceFuncs hold the addresses of commands, which
// are called by Call. A field tagged vk:"optional" may be 0.
type Global struct {
	CreateInstance, EnumerateInstanceExtensionProperties uintptr
}

// InstanceFuncs are the commands of an instance.
type InstanceFuncs struct {
	DestroyInstance, EnumeratePhysicalDevices, GetPhysicalDeviceProperties2 uintptr
	GetPhysicalDeviceFeatures2, GetPhysicalDeviceMemoryProperties2          uintptr
	GetPhysicalDeviceQueueFamilyProperties, CreateDevice, GetDeviceProcAddr uintptr
	EnumerateDeviceExtensionProperties                                      uintptr
	CreateDebugUtilsMessengerEXT, DestroyDebugUtilsMessengerEXT             uintptr `vk:"optional"`
}

// DeviceFuncs are the commands of a device.
type DeviceFuncs struct {
	DestroyDevice, GetDeviceQueue, DeviceWaitIdle, QueueSubmit                   uintptr
	CreateBuffer, DestroyBuffer, GetBufferMemoryRequirements, BindBufferMemory   uintptr
	AllocateMemory, FreeMemory, MapMemory                                        uintptr
	CreateShaderModule, DestroyShaderModule                                      uintptr
	CreateDescriptorSetLayout, DestroyDescriptorSetLayout                        uintptr
	CreatePipelineLayout, DestroyPipelineLayout                                  uintptr
	CreateComputePipelines, DestroyPipeline                                      uintptr
	CreatePipelineCache, DestroyPipelineCache, GetPipelineCacheData              uintptr
	CreateDescriptorPool, DestroyDescriptorPool                                  uintptr
	AllocateDescriptorSets, UpdateDescriptorSets                                 uintptr
	CreateCommandPool, DestroyCommandPool                                        uintptr
	AllocateCommandBuffers, FreeCommandBuffers                                   uintptr
	BeginCommandBuffer, EndCommandBuffer, CmdBindPipeline, CmdBindDescriptorSets uintptr
	CmdPushConstants, CmdDispatch, CmdPipelineBarrier, CmdCopyBuffer             uintptr
	CreateSemaphore, DestroySemaphore, WaitSemaphores                            uintptr
	CreateQueryPool, DestroyQueryPool, CmdResetQueryPool, CmdWriteTimestamp      uintptr
	GetQueryPoolResults                                                          uintptr
}

var loader struct {
	once   sync.Once
	err    error
	lookup uintptr // vkGetInstanceProcAddr
	global Global
}

// Load loads the system's Vulkan loader. Where there is none the error says so.
func Load() (Global, error) {
	loader.once.Do(func() {
		if loader.lookup, loader.err = open(); loader.err == nil {
			loader.err = fill(&loader.global, loader.lookup, 0)
		}
	})
	return loader.global, loader.err
}

// LoadInstance fills the commands of an instance.
func LoadInstance(f *InstanceFuncs, i Instance) error { return fill(f, loader.lookup, uintptr(i)) }

// LoadDevice fills the commands of a device.
func LoadDevice(f *DeviceFuncs, i *InstanceFuncs, d DeviceHandle) error {
	return fill(f, i.GetDeviceProcAddr, uintptr(d))
}

// fill looks up the fields of a struct by their names.
func fill(funcs any, lookup, handle uintptr) error {
	v := reflect.ValueOf(funcs).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		p, _, _ := lookUp(lookup, handle, "vk"+field.Name)
		if p == 0 && field.Tag.Get("vk") != "optional" {
			return fmt.Errorf("vulkan: the driver has no vk%s", field.Name)
		}
		v.Field(i).SetUint(uint64(p))
	}
	return nil
}

func lookUp(lookup, handle uintptr, name string) (uintptr, uintptr, uintptr) {
	return purego.SyscallN(lookup, handle, uintptr(unsafe.Pointer(CString(name))))
}

// Call enters a command. Each uintptr(unsafe.Pointer(&x)) among its arguments
// escapes to the heap and lives until it returns.
//
//go:uintptrescapes
func Call(fn uintptr, a ...uintptr) Result {
	r, _, _ := purego.SyscallN(fn, a...)
	return Result(int32(r))
}

func (r Result) Error() string {
	if name, ok := results[r]; ok {
		return name
	}
	return fmt.Sprintf("VkResult %d", int32(r))
}

// Check returns the error of a command.
func Check(command string, r Result) error {
	if r == Success {
		return nil
	}
	return fmt.Errorf("%s: %w", command, r)
}

// CString returns a copy of s that ends with a 0.
func CString(s string) *byte { return unsafe.SliceData(append([]byte(s), 0)) }

// GoString returns a text that ends with a 0.
func GoString(p *byte) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
