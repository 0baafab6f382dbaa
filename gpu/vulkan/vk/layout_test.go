package vk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestLayout compares every struct with that of the header, by the C compiler.
func TestLayout(t *testing.T) {
	cc, err := exec.LookPath("gcc")
	if err != nil && os.Getenv("EASEL_REQUIRE_VULKAN") == "" {
		t.Skip(err)
	}
	require.NoError(t, err)
	names := map[string]any{
		"VkPhysicalDeviceVulkan12Features": Vulkan12Features{},
		"VkPhysicalDeviceMemoryProperties": MemoryProperties{}, "VkPhysicalDeviceMemoryProperties2": MemoryProperties2{},
		"VkPhysicalDeviceMaintenance3Properties": Maintenance3Properties{}, "VkPhysicalDeviceDriverProperties": DriverProperties{},
		"VkPhysicalDeviceMemoryBudgetPropertiesEXT": MemoryBudgetProperties{}, "VkDebugUtilsMessengerCreateInfoEXT": DebugUtilsMessengerCreateInfo{},
		"VkValidationFeaturesEXT": ValidationFeatures{}, "VkDebugUtilsMessengerCallbackDataEXT": DebugUtilsMessengerCallbackData{},
	}
	for _, v := range []any{
		ApplicationInfo{}, InstanceCreateInfo{}, DeviceQueueCreateInfo{}, DeviceCreateInfo{}, PhysicalDeviceFeatures2{}, PhysicalDeviceProperties{},
		PhysicalDeviceLimits{}, PhysicalDeviceProperties2{}, QueueFamilyProperties{}, BufferCreateInfo{}, MemoryRequirements{}, MemoryAllocateInfo{},
		ShaderModuleCreateInfo{}, DescriptorSetLayoutBinding{}, DescriptorSetLayoutCreateInfo{}, PushConstantRange{}, PipelineLayoutCreateInfo{},
		SpecializationMapEntry{}, SpecializationInfo{}, PipelineShaderStageCreateInfo{}, ComputePipelineCreateInfo{}, DescriptorPoolSize{},
		DescriptorPoolCreateInfo{}, DescriptorSetAllocateInfo{}, DescriptorBufferInfo{}, WriteDescriptorSet{}, CommandPoolCreateInfo{},
		CommandBufferAllocateInfo{}, CommandBufferBeginInfo{}, MemoryBarrier{}, BufferCopy{}, SubmitInfo{}, QueryPoolCreateInfo{},
		SemaphoreTypeCreateInfo{}, SemaphoreCreateInfo{}, TimelineSemaphoreSubmitInfo{}, SemaphoreWaitInfo{}, PipelineCacheCreateInfo{}, ExtensionProperties{},
		MemoryType{}, MemoryHeap{},
	} {
		names["Vk"+reflect.TypeOf(v).Name()] = v
	}
	var source, want strings.Builder
	source.WriteString("#include <stdio.h>\n#include <stddef.h>\n#include <vulkan/vulkan.h>\nint main(void) {\n")
	for name, v := range names {
		st := reflect.TypeOf(v)
		if name != "VkDebugUtilsMessengerCallbackDataEXT" { // of which only the start is bound
			fmt.Fprintf(&source, "printf(\"%s %%zu\\n\", sizeof(%[1]s));\n", name)
			fmt.Fprintf(&want, "%s %d\n", name, st.Size())
		}
		for i := range st.NumField() {
			f := st.Field(i)
			if f.Name == "_" {
				continue
			}
			member := strings.ToLower(f.Name[:1]) + f.Name[1:]
			if name == "VkPhysicalDeviceMemoryProperties" {
				member = map[string]string{"TypeCount": "memoryTypeCount", "Types": "memoryTypes", "HeapCount": "memoryHeapCount", "Heaps": "memoryHeaps"}[f.Name]
			}
			if f.Name == "Granularity" {
				member = "minImageTransferGranularity"
			}
			fmt.Fprintf(&source, "printf(\"%s.%s %%zu\\n\", offsetof(%[1]s, %[2]s));\n", name, member)
			fmt.Fprintf(&want, "%s.%s %d\n", name, member, f.Offset)
		}
	}
	source.WriteString("return 0; }\n")
	dir := t.TempDir()
	file, program := filepath.Join(dir, "layout.c"), filepath.Join(dir, "layout")
	require.NoError(t, os.WriteFile(file, []byte(source.String()), 0o600))
	out, err := exec.Command(cc, "-o", program, file).CombinedOutput()
	if err != nil && os.Getenv("EASEL_REQUIRE_VULKAN") == "" {
		t.Skipf("no vulkan.h: %s", out)
	}
	require.NoError(t, err, "%s", out)
	got, err := exec.Command(program).Output()
	require.NoError(t, err)
	require.Equal(t, want.String(), string(got))
}
