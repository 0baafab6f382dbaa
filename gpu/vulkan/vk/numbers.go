package vk

// Structure types.
const (
	TypeApplicationInfo           = 0
	TypeInstanceCreateInfo        = 1
	TypeDeviceQueueCreateInfo     = 2
	TypeDeviceCreateInfo          = 3
	TypeSubmitInfo                = 4
	TypeMemoryAllocateInfo        = 5
	TypeSemaphoreCreateInfo       = 9
	TypeQueryPoolCreateInfo       = 11
	TypeBufferCreateInfo          = 12
	TypeShaderModuleCreateInfo    = 16
	TypePipelineCacheCreateInfo   = 17
	TypePipelineShaderStageInfo   = 18
	TypeComputePipelineCreateInfo = 29
	TypePipelineLayoutCreateInfo  = 30
	TypeDescriptorSetLayoutInfo   = 32
	TypeDescriptorPoolCreateInfo  = 33
	TypeDescriptorSetAllocateInfo = 34
	TypeWriteDescriptorSet        = 35
	TypeCommandPoolCreateInfo     = 39
	TypeCommandBufferAllocateInfo = 40
	TypeCommandBufferBeginInfo    = 42
	TypeMemoryBarrier             = 46
	TypeVulkan12Features          = 51
	TypeFeatures2                 = 1000059000
	TypeProperties2               = 1000059001
	TypeMemoryProperties2         = 1000059006
	TypeDebugUtilsMessengerInfo   = 1000128004
	TypeMaintenance3Properties    = 1000168000
	TypeDriverProperties          = 1000196000
	TypeSemaphoreTypeCreateInfo   = 1000207002
	TypeTimelineSemaphoreSubmit   = 1000207003
	TypeSemaphoreWaitInfo         = 1000207004
	TypeMemoryBudgetProperties    = 1000237000
	TypeValidationFeatures        = 1000247000
	EnumeratePortability          = 1 // flag of an instance
	APIVersion12                  = 1<<22 | 2<<12
	QueueCompute                  = 2
	MemoryDeviceLocal             = 1
	MemoryHostVisible             = 2
	MemoryHostCoherent            = 4
	MemoryHostCached              = 8
	HeapDeviceLocal               = 1
	UsageTransferSrc              = 1
	UsageTransferDst              = 2
	UsageStorage                  = 0x20
	DescriptorStorageBuffer       = 7
	StageCompute                  = 0x20 // of shaders
	BindCompute                   = 1
	PipelineStageTop              = 0x1
	PipelineStageCompute          = 0x800
	PipelineStageTransfer         = 0x1000
	PipelineStageBottom           = 0x2000
	PipelineStageHost             = 0x4000
	AccessShaderRead              = 0x20
	AccessShaderWrite             = 0x40
	AccessTransferRead            = 0x800
	AccessTransferWrite           = 0x1000
	AccessHostRead                = 0x2000
	CommandPoolReset              = 2
	SemaphoreTimeline             = 1
	QueryTimestamp                = 2
	Query64                       = 1
	QueryWait                     = 2
	DeviceIntegrated              = 1
	DeviceDiscrete                = 2
	DeviceVirtual                 = 3
	DeviceCPU                     = 4
	ValidateGPUAssisted           = 0
	ValidateGPUReserveBindingSlot = 1
	ValidateSynchronization       = 4
	SeverityWarningAndError       = 0x1100
	MessageGeneralValidationSpeed = 7
)

// Results.
const (
	Success           Result = 0
	Timeout           Result = 2
	Incomplete        Result = 5
	OutOfHostMemory   Result = -1
	OutOfDeviceMemory Result = -2
	DeviceLost        Result = -4
)

var results = map[Result]string{
	OutOfHostMemory: "VK_ERROR_OUT_OF_HOST_MEMORY", OutOfDeviceMemory: "VK_ERROR_OUT_OF_DEVICE_MEMORY",
	-3:         "VK_ERROR_INITIALIZATION_FAILED",
	DeviceLost: "VK_ERROR_DEVICE_LOST", -5: "VK_ERROR_MEMORY_MAP_FAILED", -6: "VK_ERROR_LAYER_NOT_PRESENT",
	-7: "VK_ERROR_EXTENSION_NOT_PRESENT",
	-8: "VK_ERROR_FEATURE_NOT_PRESENT", -9: "VK_ERROR_INCOMPATIBLE_DRIVER", -10: "VK_ERROR_TOO_MANY_OBJECTS",
	-12: "VK_ERROR_FRAGMENTED_POOL",
	-13: "VK_ERROR_UNKNOWN", -1000069000: "VK_ERROR_OUT_OF_POOL_MEMORY", Timeout: "VK_TIMEOUT", Incomplete: "VK_INCOMPLETE",
}
