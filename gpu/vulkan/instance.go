// Package vulkan drives devices by Vulkan 1.2.
package vulkan

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/df65613c/easel/gpu/vulkan/vk"
)

// Info describes a device.
type Info struct {
	Index        int // among those of Devices
	Name, Driver string
	Memory       int64 // bytes of its own, or that it shares with the processor
	Type         string
	handle       vk.PhysicalDevice
}

// Checks are modes of the validation layer, for tests.
type Checks struct {
	Enable  []uint32              // of VkValidationFeatureEnableEXT
	Message func(id, text string) // what the layer says
}

// instance is a connection to the loader.
type instance struct {
	handle    vk.Instance
	f         vk.InstanceFuncs
	messenger vk.Messenger
}

var callback struct {
	once sync.Once
	fn   uintptr
	mu   sync.Mutex
	sink func(id, text string)
}

// report returns the one callback of the process: they are never freed.
func report(sink func(id, text string)) uintptr {
	callback.once.Do(func() {
		callback.fn = purego.NewCallback(func(severity, types uint32, data *vk.DebugUtilsMessengerCallbackData, user uintptr) uintptr {
			callback.mu.Lock()
			defer callback.mu.Unlock()
			if callback.sink != nil {
				callback.sink(vk.GoString(data.PMessageIdName), vk.GoString(data.PMessage))
			}
			return 0
		})
	})
	callback.mu.Lock()
	defer callback.mu.Unlock()
	callback.sink = sink
	return callback.fn
}

func newInstance(checks *Checks) (*instance, error) {
	g, err := vk.Load()
	if err != nil {
		return nil, err
	}
	info := &vk.InstanceCreateInfo{SType: vk.TypeInstanceCreateInfo, PApplicationInfo: &vk.ApplicationInfo{
		SType: vk.TypeApplicationInfo, PApplicationName: vk.CString("easel"), ApiVersion: vk.APIVersion12,
	}}
	var extensions, layers []*byte
	if slices.Contains(extensionsOf(func(n *uint32, p *vk.ExtensionProperties) vk.Result {
		return vk.Call(g.EnumerateInstanceExtensionProperties, 0, uintptr(unsafe.Pointer(n)), uintptr(unsafe.Pointer(p)))
	}), portability) {
		extensions = append(extensions, vk.CString(portability))
		info.Flags |= vk.EnumeratePortability
	}
	var messages *vk.DebugUtilsMessengerCreateInfo
	if checks != nil {
		layers = append(layers, vk.CString("VK_LAYER_KHRONOS_validation"))
		extensions = append(extensions, vk.CString("VK_EXT_debug_utils"))
		messages = &vk.DebugUtilsMessengerCreateInfo{
			SType: vk.TypeDebugUtilsMessengerInfo, MessageSeverity: vk.SeverityWarningAndError,
			MessageType: vk.MessageGeneralValidationSpeed, PfnUserCallback: report(checks.Message),
		}
		info.PNext = unsafe.Pointer(messages)
		if len(checks.Enable) > 0 {
			messages.PNext = unsafe.Pointer(&vk.ValidationFeatures{
				SType: vk.TypeValidationFeatures, EnabledValidationFeatureCount: uint32(len(checks.Enable)),
				PEnabledValidationFeatures: &checks.Enable[0],
			})
		}
	}
	if len(extensions) > 0 {
		info.EnabledExtensionCount, info.PpEnabledExtensionNames = uint32(len(extensions)), &extensions[0]
	}
	if len(layers) > 0 {
		info.EnabledLayerCount, info.PpEnabledLayerNames = uint32(len(layers)), &layers[0]
	}
	i := new(instance)
	err = vk.Check("vkCreateInstance",
		vk.Call(g.CreateInstance, uintptr(unsafe.Pointer(info)), 0, uintptr(unsafe.Pointer(&i.handle))))
	if err != nil {
		return nil, fmt.Errorf("vulkan: %w", err)
	}
	if err := vk.LoadInstance(&i.f, i.handle); err != nil {
		i.close()
		return nil, err
	}
	if messages != nil {
		messages.PNext = nil
		err := vk.Check("vkCreateDebugUtilsMessengerEXT",
			vk.Call(i.f.CreateDebugUtilsMessengerEXT, uintptr(i.handle), uintptr(unsafe.Pointer(messages)), 0,
				uintptr(unsafe.Pointer(&i.messenger))))
		if err != nil {
			i.close()
			return nil, err
		}
	}
	return i, nil
}

const (
	portability       = "VK_KHR_portability_enumeration"
	portabilitySubset = "VK_KHR_portability_subset"
	memoryBudget      = "VK_EXT_memory_budget"
)

// extensionsOf returns the names that a command lists.
func extensionsOf(list func(n *uint32, p *vk.ExtensionProperties) vk.Result) (names []string) {
	var n uint32
	if list(&n, nil) != vk.Success || n == 0 {
		return nil
	}
	all := make([]vk.ExtensionProperties, n)
	list(&n, &all[0])
	for i := range all[:n] {
		names = append(names, vk.GoString(&all[i].ExtensionName[0]))
	}
	return names
}

func (i *instance) close() {
	if i.messenger != 0 {
		vk.Call(i.f.DestroyDebugUtilsMessengerEXT, uintptr(i.handle), uintptr(i.messenger), 0)
	}
	if i.f.DestroyInstance != 0 {
		vk.Call(i.f.DestroyInstance, uintptr(i.handle), 0)
	}
}

// Devices lists the devices that the backend can use. Where there is no driver the
// error says so.
func Devices() ([]Info, error) {
	i, err := newInstance(nil)
	if err != nil {
		return nil, err
	}
	defer i.close()
	return i.devices()
}

func (i *instance) devices() ([]Info, error) {
	var n uint32
	err := vk.Check("vkEnumeratePhysicalDevices",
		vk.Call(i.f.EnumeratePhysicalDevices, uintptr(i.handle), uintptr(unsafe.Pointer(&n)), 0))
	if err != nil || n == 0 {
		return nil, errors.Join(errors.New("vulkan: no device"), err)
	}
	handles := make([]vk.PhysicalDevice, n)
	vk.Call(i.f.EnumeratePhysicalDevices, uintptr(i.handle), uintptr(unsafe.Pointer(&n)), uintptr(unsafe.Pointer(&handles[0])))
	var list []Info
	var why error
	for _, h := range handles[:n] {
		p := i.properties(h)
		if why = p.usable(); why != nil {
			continue
		}
		list = append(list, Info{len(list), p.name(), p.driver(), p.memory(), p.kind(), h})
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("vulkan: no device that can be used: %w", why)
	}
	return list, nil
}
