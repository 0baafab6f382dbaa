package vulkan

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"unsafe"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/vulkan/vk"
	"github.com/df65613c/easel/internal/atomicfile"
)

// Prepare makes the pipeline of a variant.
func (d *driver) Prepare(v kernel.Variant) error {
	if d.pipelines[v] != 0 {
		return nil
	}
	p, err := d.program(v.Kernel)
	if err != nil {
		return fmt.Errorf("kernel %s: %w", v, err)
	}
	var entries [kernel.Specs]vk.SpecializationMapEntry
	for i := range entries {
		entries[i] = vk.SpecializationMapEntry{ConstantID: uint32(i), Offset: uint32(4 * i), Size: 4}
	}
	values := v.Spec
	spec := &vk.SpecializationInfo{MapEntryCount: kernel.Specs, PMapEntries: &entries[0], DataSize: 4 * kernel.Specs,
		PData: unsafe.Pointer(&values[0])}
	info := &vk.ComputePipelineCreateInfo{
		SType: vk.TypeComputePipelineCreateInfo, Layout: p.layout,
		Stage: vk.PipelineShaderStageCreateInfo{
			SType: vk.TypePipelineShaderStageInfo, Stage: vk.StageCompute, Module: p.module, PName: vk.CString("main"),
			PSpecializationInfo: spec,
		},
	}
	var made vk.Pipeline
	r := vk.Call(d.f.CreateComputePipelines, uintptr(d.device), uintptr(d.cache), 1, uintptr(unsafe.Pointer(info)), 0,
		uintptr(unsafe.Pointer(&made)))
	if err := fault("vkCreateComputePipelines", r); err != nil {
		return fmt.Errorf("kernel %s: %w", v, err)
	}
	d.pipelines[v], d.added = made, true
	return nil
}

// program returns what the variants of a kernel share.
func (d *driver) program(id kernel.ID) (*program, error) {
	if p := d.programs[id]; p != nil {
		return p, nil
	}
	p := new(program)
	var err error
	if p.set, err = d.setLayout(id.Bindings()); err != nil {
		return nil, err
	}
	code, err := id.SPIRV()
	if err != nil {
		return nil, err
	}
	module := &vk.ShaderModuleCreateInfo{SType: vk.TypeShaderModuleCreateInfo, CodeSize: uintptr(4 * len(code)), PCode: &code[0]}
	if err := fault("vkCreateShaderModule",
		d.create(d.f.CreateShaderModule, unsafe.Pointer(module), unsafe.Pointer(&p.module))); err != nil {
		return nil, err
	}
	push := &vk.PushConstantRange{StageFlags: vk.StageCompute, Size: maxPush}
	layout := &vk.PipelineLayoutCreateInfo{
		SType: vk.TypePipelineLayoutCreateInfo, SetLayoutCount: 1, PSetLayouts: &p.set, PushConstantRangeCount: 1,
		PPushConstantRanges: push,
	}
	if err := fault("vkCreatePipelineLayout",
		d.create(d.f.CreatePipelineLayout, unsafe.Pointer(layout), unsafe.Pointer(&p.layout))); err != nil {
		d.destroy(d.f.DestroyShaderModule, uint64(p.module))
		return nil, err
	}
	d.programs[id] = p
	return p, nil
}

// maxPush is the bytes of push constants that every kernel declares.
const maxPush = 128

func (d *driver) setLayout(bindings int) (vk.DescriptorSetLayout, error) {
	if l := d.layouts[bindings]; l != 0 {
		return l, nil
	}
	list := make([]vk.DescriptorSetLayoutBinding, bindings)
	for i := range list {
		list[i] = vk.DescriptorSetLayoutBinding{Binding: uint32(i), DescriptorType: vk.DescriptorStorageBuffer, DescriptorCount: 1,
			StageFlags: vk.StageCompute}
	}
	info := &vk.DescriptorSetLayoutCreateInfo{SType: vk.TypeDescriptorSetLayoutInfo,
		BindingCount: uint32(bindings), PBindings: &list[0]}
	var l vk.DescriptorSetLayout
	if err := fault("vkCreateDescriptorSetLayout",
		d.create(d.f.CreateDescriptorSetLayout, unsafe.Pointer(info), unsafe.Pointer(&l))); err != nil {
		return 0, err
	}
	d.layouts[bindings] = l
	return l, nil
}

// openCache reads the pipelines that an earlier process compiled for this device
// and driver. The driver itself refuses what is not its own.
func (d *driver) openCache(folder string) error {
	info := &vk.PipelineCacheCreateInfo{SType: vk.TypePipelineCacheCreateInfo}
	if folder != "" {
		d.cacheFile = filepath.Join(folder,
			fmt.Sprintf("vulkan-%s-%08x.cache", hex.EncodeToString(d.PipelineCacheUUID[:]), d.DriverVersion))
		data, err := os.ReadFile(d.cacheFile)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			d.cacheFile = "" // it is only a cache
		}
		if len(data) > 0 {
			info.InitialDataSize, info.PInitialData = uintptr(len(data)), unsafe.Pointer(&data[0])
		}
	}
	return fault("vkCreatePipelineCache", d.create(d.f.CreatePipelineCache, unsafe.Pointer(info), unsafe.Pointer(&d.cache)))
}

// saveCache writes the pipelines for the next process, if there are new ones.
func (d *driver) saveCache() error {
	if d.cacheFile == "" || !d.added || d.cache == 0 {
		return nil
	}
	var n uintptr
	if vk.Call(d.f.GetPipelineCacheData, uintptr(d.device), uintptr(d.cache), uintptr(unsafe.Pointer(&n)), 0) != vk.Success ||
		n == 0 {
		return nil
	}
	data := make([]byte, n)
	if vk.Call(d.f.GetPipelineCacheData, uintptr(d.device), uintptr(d.cache), uintptr(unsafe.Pointer(&n)),
		uintptr(unsafe.Pointer(&data[0]))) != vk.Success {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(d.cacheFile), 0o755); err != nil {
		return nil // a folder that can't be written costs time, and no more
	}
	return atomicfile.Write(d.cacheFile, func(w io.Writer) error { _, err := w.Write(data[:n]); return err })
}
