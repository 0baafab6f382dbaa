// Package vk binds the part of Vulkan 1.2 that computing needs, without cgo: the
// names, structs and numbers are those of the specification.
package vk

import "unsafe"

// Dispatchable handles are pointers, non-dispatchable ones are uint64 on every
// platform. Never use Go pointers for either: the GC must not look at them.
type (
	Instance       uintptr
	PhysicalDevice uintptr
	DeviceHandle   uintptr
	Queue          uintptr
	CommandBuffer  uintptr

	Buffer              uint64
	DeviceMemory        uint64
	ShaderModule        uint64
	DescriptorSetLayout uint64
	DescriptorPool      uint64
	DescriptorSet       uint64
	PipelineLayout      uint64
	Pipeline            uint64
	PipelineCache       uint64
	CommandPool         uint64
	Semaphore           uint64
	QueryPool           uint64
	Messenger           uint64
)

// Result is what a command returns.
type Result int32

type ApplicationInfo struct {
	SType              uint32
	PNext              unsafe.Pointer
	PApplicationName   *byte
	ApplicationVersion uint32
	PEngineName        *byte
	EngineVersion      uint32
	ApiVersion         uint32
}
type InstanceCreateInfo struct {
	SType                   uint32
	PNext                   unsafe.Pointer
	Flags                   uint32
	PApplicationInfo        *ApplicationInfo
	EnabledLayerCount       uint32
	PpEnabledLayerNames     **byte
	EnabledExtensionCount   uint32
	PpEnabledExtensionNames **byte
}
type DeviceQueueCreateInfo struct {
	SType            uint32
	PNext            unsafe.Pointer
	Flags            uint32
	QueueFamilyIndex uint32
	QueueCount       uint32
	PQueuePriorities *float32
}
type DeviceCreateInfo struct {
	SType                   uint32
	PNext                   unsafe.Pointer
	Flags                   uint32
	QueueCreateInfoCount    uint32
	PQueueCreateInfos       *DeviceQueueCreateInfo
	EnabledLayerCount       uint32
	PpEnabledLayerNames     **byte
	EnabledExtensionCount   uint32
	PpEnabledExtensionNames **byte
	PEnabledFeatures        unsafe.Pointer
}

// PhysicalDeviceFeatures is 55 booleans, of which none is used.
type PhysicalDeviceFeatures [55]uint32

type PhysicalDeviceFeatures2 struct {
	SType    uint32
	PNext    unsafe.Pointer
	Features PhysicalDeviceFeatures
}
type Vulkan12Features struct {
	SType                             uint32
	PNext                             unsafe.Pointer
	SamplerMirrorClampToEdge          uint32
	DrawIndirectCount                 uint32
	StorageBuffer8BitAccess           uint32
	UniformAndStorageBuffer8BitAccess uint32
	StoragePushConstant8              uint32
	ShaderBufferInt64Atomics          uint32
	ShaderSharedInt64Atomics          uint32
	ShaderFloat16                     uint32
	ShaderInt8                        uint32
	DescriptorIndexing                uint32
	_                                 [20]uint32 // descriptor indexing
	SamplerFilterMinmax               uint32
	ScalarBlockLayout                 uint32
	ImagelessFramebuffer              uint32
	UniformBufferStandardLayout       uint32
	ShaderSubgroupExtendedTypes       uint32
	SeparateDepthStencilLayouts       uint32
	HostQueryReset                    uint32
	TimelineSemaphore                 uint32
	BufferDeviceAddress               uint32
	_                                 [2]uint32
	VulkanMemoryModel                 uint32
	VulkanMemoryModelDeviceScope      uint32
	_                                 [4]uint32
}

type PhysicalDeviceProperties struct {
	ApiVersion, DriverVersion, VendorID, DeviceID, DeviceType uint32
	DeviceName                                                [256]byte
	PipelineCacheUUID                                         [16]byte
	Limits                                                    PhysicalDeviceLimits
	SparseProperties                                          [5]uint32
}

// PhysicalDeviceLimits has the fields that compute needs, each at its offset in
// the 504 bytes of the C struct (checked against the header).
type PhysicalDeviceLimits struct {
	_                               [28]byte
	MaxStorageBufferRange           uint32 // 28
	MaxPushConstantsSize            uint32 // 32
	MaxMemoryAllocationCount        uint32 // 36
	_                               [176]byte
	MaxComputeSharedMemorySize      uint32    // 216
	MaxComputeWorkGroupCount        [3]uint32 // 220
	MaxComputeWorkGroupInvocations  uint32    // 232
	MaxComputeWorkGroupSize         [3]uint32 // 236
	_                               [56]byte  // ..304
	MinMemoryMapAlignment           uint64    // 304
	_                               [16]byte
	MinStorageBufferOffsetAlignment uint64 // 328
	_                               [84]byte
	TimestampComputeAndGraphics     uint32  // 420
	TimestampPeriod                 float32 // 424
	_                               [68]byte
	NonCoherentAtomSize             uint64 // 496
}
type PhysicalDeviceProperties2 struct {
	SType      uint32
	PNext      unsafe.Pointer
	Properties PhysicalDeviceProperties
}
type MemoryType struct{ PropertyFlags, HeapIndex uint32 }
type MemoryHeap struct {
	Size  uint64
	Flags uint32
}
type MemoryProperties struct {
	TypeCount uint32
	Types     [32]MemoryType
	HeapCount uint32
	Heaps     [16]MemoryHeap
}
type QueueFamilyProperties struct {
	QueueFlags, QueueCount, TimestampValidBits uint32
	Granularity                                [3]uint32
}
type BufferCreateInfo struct {
	SType                 uint32
	PNext                 unsafe.Pointer
	Flags                 uint32
	Size                  uint64
	Usage                 uint32
	SharingMode           uint32
	QueueFamilyIndexCount uint32
	PQueueFamilyIndices   *uint32
}
type MemoryRequirements struct {
	Size, Alignment uint64
	MemoryTypeBits  uint32
}
type MemoryAllocateInfo struct {
	SType           uint32
	PNext           unsafe.Pointer
	AllocationSize  uint64
	MemoryTypeIndex uint32
}
type ShaderModuleCreateInfo struct {
	SType    uint32
	PNext    unsafe.Pointer
	Flags    uint32
	CodeSize uintptr
	PCode    *uint32
}
type DescriptorSetLayoutBinding struct {
	Binding            uint32
	DescriptorType     uint32
	DescriptorCount    uint32
	StageFlags         uint32
	PImmutableSamplers *uint64
}
type DescriptorSetLayoutCreateInfo struct {
	SType        uint32
	PNext        unsafe.Pointer
	Flags        uint32
	BindingCount uint32
	PBindings    *DescriptorSetLayoutBinding
}
type PushConstantRange struct{ StageFlags, Offset, Size uint32 }
type PipelineLayoutCreateInfo struct {
	SType                  uint32
	PNext                  unsafe.Pointer
	Flags                  uint32
	SetLayoutCount         uint32
	PSetLayouts            *DescriptorSetLayout
	PushConstantRangeCount uint32
	PPushConstantRanges    *PushConstantRange
}
type SpecializationMapEntry struct {
	ConstantID, Offset uint32
	Size               uintptr
}
type SpecializationInfo struct {
	MapEntryCount uint32
	PMapEntries   *SpecializationMapEntry
	DataSize      uintptr
	PData         unsafe.Pointer
}
type PipelineShaderStageCreateInfo struct {
	SType               uint32
	PNext               unsafe.Pointer
	Flags               uint32
	Stage               uint32
	Module              ShaderModule
	PName               *byte
	PSpecializationInfo *SpecializationInfo
}
type ComputePipelineCreateInfo struct {
	SType              uint32
	PNext              unsafe.Pointer
	Flags              uint32
	Stage              PipelineShaderStageCreateInfo
	Layout             PipelineLayout
	BasePipelineHandle Pipeline
	BasePipelineIndex  int32
}
type DescriptorPoolSize struct{ Type, DescriptorCount uint32 }
type DescriptorPoolCreateInfo struct {
	SType         uint32
	PNext         unsafe.Pointer
	Flags         uint32
	MaxSets       uint32
	PoolSizeCount uint32
	PPoolSizes    *DescriptorPoolSize
}
type DescriptorSetAllocateInfo struct {
	SType              uint32
	PNext              unsafe.Pointer
	DescriptorPool     DescriptorPool
	DescriptorSetCount uint32
	PSetLayouts        *DescriptorSetLayout
}
type DescriptorBufferInfo struct {
	Buffer        Buffer
	Offset, Range uint64
}
type WriteDescriptorSet struct {
	SType            uint32
	PNext            unsafe.Pointer
	DstSet           DescriptorSet
	DstBinding       uint32
	DstArrayElement  uint32
	DescriptorCount  uint32
	DescriptorType   uint32
	PImageInfo       unsafe.Pointer
	PBufferInfo      *DescriptorBufferInfo
	PTexelBufferView unsafe.Pointer
}
type CommandPoolCreateInfo struct {
	SType            uint32
	PNext            unsafe.Pointer
	Flags            uint32
	QueueFamilyIndex uint32
}
type CommandBufferAllocateInfo struct {
	SType              uint32
	PNext              unsafe.Pointer
	CommandPool        CommandPool
	Level              uint32
	CommandBufferCount uint32
}
type CommandBufferBeginInfo struct {
	SType            uint32
	PNext            unsafe.Pointer
	Flags            uint32
	PInheritanceInfo unsafe.Pointer
}
type MemoryBarrier struct {
	SType                        uint32
	PNext                        unsafe.Pointer
	SrcAccessMask, DstAccessMask uint32
}
type BufferCopy struct{ SrcOffset, DstOffset, Size uint64 }
type SubmitInfo struct {
	SType                uint32
	PNext                unsafe.Pointer
	WaitSemaphoreCount   uint32
	PWaitSemaphores      *Semaphore
	PWaitDstStageMask    *uint32
	CommandBufferCount   uint32
	PCommandBuffers      *CommandBuffer
	SignalSemaphoreCount uint32
	PSignalSemaphores    *Semaphore
}
type DebugUtilsMessengerCreateInfo struct {
	SType           uint32
	PNext           unsafe.Pointer
	Flags           uint32
	MessageSeverity uint32
	MessageType     uint32
	PfnUserCallback uintptr
	PUserData       uintptr
}
type DebugUtilsMessengerCallbackData struct {
	SType           uint32
	PNext           unsafe.Pointer
	Flags           uint32
	PMessageIdName  *byte
	MessageIdNumber int32
	PMessage        *byte
}
type QueryPoolCreateInfo struct {
	SType              uint32
	PNext              unsafe.Pointer
	Flags              uint32
	QueryType          uint32
	QueryCount         uint32
	PipelineStatistics uint32
}

// SemaphoreTypeCreateInfo and the next two are of timeline semaphores.
type SemaphoreTypeCreateInfo struct {
	SType         uint32
	PNext         unsafe.Pointer
	SemaphoreType uint32
	InitialValue  uint64
}
type SemaphoreCreateInfo struct {
	SType uint32
	PNext unsafe.Pointer
	Flags uint32
}
type TimelineSemaphoreSubmitInfo struct {
	SType                     uint32
	PNext                     unsafe.Pointer
	WaitSemaphoreValueCount   uint32
	PWaitSemaphoreValues      *uint64
	SignalSemaphoreValueCount uint32
	PSignalSemaphoreValues    *uint64
}
type SemaphoreWaitInfo struct {
	SType          uint32
	PNext          unsafe.Pointer
	Flags          uint32
	SemaphoreCount uint32
	PSemaphores    *Semaphore
	PValues        *uint64
}
type PipelineCacheCreateInfo struct {
	SType           uint32
	PNext           unsafe.Pointer
	Flags           uint32
	InitialDataSize uintptr
	PInitialData    unsafe.Pointer
}
type Maintenance3Properties struct {
	SType                   uint32
	PNext                   unsafe.Pointer
	MaxPerSetDescriptors    uint32
	MaxMemoryAllocationSize uint64
}
type DriverProperties struct {
	SType              uint32
	PNext              unsafe.Pointer
	DriverID           uint32
	DriverName         [256]byte
	DriverInfo         [256]byte
	ConformanceVersion [4]byte
}
type MemoryBudgetProperties struct {
	SType      uint32
	PNext      unsafe.Pointer
	HeapBudget [16]uint64
	HeapUsage  [16]uint64
}
type MemoryProperties2 struct {
	SType            uint32
	PNext            unsafe.Pointer
	MemoryProperties MemoryProperties
}
type ExtensionProperties struct {
	ExtensionName [256]byte
	SpecVersion   uint32
}
type ValidationFeatures struct {
	SType                          uint32
	PNext                          unsafe.Pointer
	EnabledValidationFeatureCount  uint32
	PEnabledValidationFeatures     *uint32
	DisabledValidationFeatureCount uint32
	PDisabledValidationFeatures    *uint32
}
