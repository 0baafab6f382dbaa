package vulkan

import (
	"errors"
	"time"
	"unsafe"

	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/gpu/vulkan/vk"
)

// list is recorded commands.
type list struct {
	buffer  vk.CommandBuffer
	sets    vk.DescriptorPool
	queries vk.QueryPool
	timed   int // dispatches whose time is taken
}

// Record records commands, with a set of descriptors for each dispatch.
func (d *driver) Record(cmds []run.Command, timed bool) (_ run.Recorded, err error) {
	l := new(list)
	defer func() {
		if err != nil {
			d.Release(l)
		}
	}()
	sets, bindings := 0, 0
	for _, c := range cmds {
		if c.Dispatch != nil {
			sets++
			bindings += len(c.Dispatch.Bindings)
		}
	}
	if sets > 0 {
		size := &vk.DescriptorPoolSize{Type: vk.DescriptorStorageBuffer, DescriptorCount: uint32(bindings)}
		pool := &vk.DescriptorPoolCreateInfo{SType: vk.TypeDescriptorPoolCreateInfo, MaxSets: uint32(sets),
			PoolSizeCount: 1, PPoolSizes: size}
		if err := fault("vkCreateDescriptorPool",
			d.create(d.f.CreateDescriptorPool, unsafe.Pointer(pool), unsafe.Pointer(&l.sets))); err != nil {
			return nil, err
		}
	}
	if timed && sets > 0 && d.families[d.family()].TimestampValidBits > 0 {
		l.timed = sets
		info := &vk.QueryPoolCreateInfo{SType: vk.TypeQueryPoolCreateInfo, QueryType: vk.QueryTimestamp, QueryCount: uint32(2 * sets)}
		if err := fault("vkCreateQueryPool",
			d.create(d.f.CreateQueryPool, unsafe.Pointer(info), unsafe.Pointer(&l.queries))); err != nil {
			return nil, err
		}
	}
	info := &vk.CommandBufferAllocateInfo{SType: vk.TypeCommandBufferAllocateInfo, CommandPool: d.pool, CommandBufferCount: 1}
	r := vk.Call(d.f.AllocateCommandBuffers, uintptr(d.device), uintptr(unsafe.Pointer(info)), uintptr(unsafe.Pointer(&l.buffer)))
	if err := fault("vkAllocateCommandBuffers", r); err != nil {
		return nil, err
	}
	begin := &vk.CommandBufferBeginInfo{SType: vk.TypeCommandBufferBeginInfo}
	if err := fault("vkBeginCommandBuffer",
		vk.Call(d.f.BeginCommandBuffer, uintptr(l.buffer), uintptr(unsafe.Pointer(begin)))); err != nil {
		return nil, err
	}
	if l.timed > 0 {
		vk.Call(d.f.CmdResetQueryPool, uintptr(l.buffer), uintptr(l.queries), 0, uintptr(2*l.timed))
	}
	query := 0
	for _, c := range cmds {
		if c.Barrier {
			d.barrier(l)
		}
		switch {
		case c.Dispatch != nil:
			d.stamp(l, &query, vk.PipelineStageTop)
			if err := d.dispatch(l, c.Dispatch); err != nil {
				return nil, err
			}
			d.stamp(l, &query, vk.PipelineStageBottom)
		case c.From.Buffer != nil:
			part := &vk.BufferCopy{SrcOffset: uint64(c.From.Offset), DstOffset: uint64(c.To.Offset), Size: uint64(c.From.Size)}
			vk.Call(d.f.CmdCopyBuffer, uintptr(l.buffer), uintptr(c.From.Buffer.(*buffer).handle),
				uintptr(c.To.Buffer.(*buffer).handle), 1, uintptr(unsafe.Pointer(part)))
		}
	}
	return l, fault("vkEndCommandBuffer", vk.Call(d.f.EndCommandBuffer, uintptr(l.buffer)))
}

// barrier makes what was written before visible to all that follows, and to the host.
func (d *driver) barrier(l *list) {
	b := &vk.MemoryBarrier{
		SType: vk.TypeMemoryBarrier, SrcAccessMask: vk.AccessShaderWrite | vk.AccessTransferWrite,
		DstAccessMask: vk.AccessShaderRead | vk.AccessShaderWrite | vk.AccessTransferRead | vk.AccessTransferWrite | vk.AccessHostRead,
	}
	const work = vk.PipelineStageCompute | vk.PipelineStageTransfer
	vk.Call(d.f.CmdPipelineBarrier, uintptr(l.buffer), work, work|vk.PipelineStageHost, 0, 1, uintptr(unsafe.Pointer(b)), 0, 0, 0, 0)
}

func (d *driver) stamp(l *list, query *int, stage uintptr) {
	if l.timed > 0 {
		vk.Call(d.f.CmdWriteTimestamp, uintptr(l.buffer), stage, uintptr(l.queries), uintptr(*query))
		*query++
	}
}

// mostGroups is how many work groups an axis has at most, on every device.
const mostGroups = 65535

func (d *driver) dispatch(l *list, p *run.Dispatch) error {
	if err := d.Prepare(p.Variant); err != nil {
		return err
	}
	shared := d.programs[p.Variant.Kernel]
	var set vk.DescriptorSet
	info := &vk.DescriptorSetAllocateInfo{SType: vk.TypeDescriptorSetAllocateInfo, DescriptorPool: l.sets,
		DescriptorSetCount: 1, PSetLayouts: &shared.set}
	if err := fault("vkAllocateDescriptorSets",
		vk.Call(d.f.AllocateDescriptorSets, uintptr(d.device), uintptr(unsafe.Pointer(info)),
			uintptr(unsafe.Pointer(&set)))); err != nil {
		return err
	}
	ranges := make([]vk.DescriptorBufferInfo, len(p.Bindings))
	writes := make([]vk.WriteDescriptorSet, len(p.Bindings))
	for i, b := range p.Bindings {
		ranges[i] = vk.DescriptorBufferInfo{Buffer: b.Buffer.(*buffer).handle, Offset: uint64(b.Offset), Range: uint64(b.Size)}
		writes[i] = vk.WriteDescriptorSet{
			SType: vk.TypeWriteDescriptorSet, DstSet: set, DstBinding: uint32(i), DescriptorCount: 1,
			DescriptorType: vk.DescriptorStorageBuffer, PBufferInfo: &ranges[i],
		}
	}
	vk.Call(d.f.UpdateDescriptorSets, uintptr(d.device), uintptr(len(writes)), uintptr(unsafe.Pointer(&writes[0])), 0, 0)
	vk.Call(d.f.CmdBindPipeline, uintptr(l.buffer), vk.BindCompute, uintptr(d.pipelines[p.Variant]))
	vk.Call(d.f.CmdBindDescriptorSets, uintptr(l.buffer), vk.BindCompute, uintptr(shared.layout), 0, 1,
		uintptr(unsafe.Pointer(&set)), 0, 0)
	var push [maxPush / 4]uint32
	copy(push[:], p.Params)
	vk.Call(d.f.CmdPushConstants, uintptr(l.buffer), uintptr(shared.layout), vk.StageCompute, 0, maxPush,
		uintptr(unsafe.Pointer(&push[0])))
	x, y := p.Groups, 1
	if x > mostGroups {
		x, y = mostGroups, (p.Groups+mostGroups-1)/mostGroups
	}
	vk.Call(d.f.CmdDispatch, uintptr(l.buffer), uintptr(x), uintptr(y), 1)
	return nil
}

func (d *driver) Release(r run.Recorded) {
	l := r.(*list)
	if l.buffer != 0 {
		vk.Call(d.f.FreeCommandBuffers, uintptr(d.device), uintptr(d.pool), 1, uintptr(unsafe.Pointer(&l.buffer)))
	}
	d.destroy(d.f.DestroyDescriptorPool, uint64(l.sets))
	d.destroy(d.f.DestroyQueryPool, uint64(l.queries))
	*l = list{}
}

func (d *driver) Submit(r run.Recorded) (run.Ticket, error) {
	l := r.(*list)
	value := d.ticket + 1
	timeline := &vk.TimelineSemaphoreSubmitInfo{SType: vk.TypeTimelineSemaphoreSubmit, SignalSemaphoreValueCount: 1,
		PSignalSemaphoreValues: &value}
	info := &vk.SubmitInfo{
		SType: vk.TypeSubmitInfo, PNext: unsafe.Pointer(timeline), CommandBufferCount: 1, PCommandBuffers: &l.buffer,
		SignalSemaphoreCount: 1, PSignalSemaphores: &d.done,
	}
	if err := fault("vkQueueSubmit", vk.Call(d.f.QueueSubmit, uintptr(d.queue), 1, uintptr(unsafe.Pointer(info)), 0)); err != nil {
		return 0, err
	}
	d.ticket = value
	return run.Ticket(value), nil
}

func (d *driver) Wait(t run.Ticket, most time.Duration) (bool, error) {
	value, semaphore := uint64(t), d.done
	info := &vk.SemaphoreWaitInfo{SType: vk.TypeSemaphoreWaitInfo, SemaphoreCount: 1, PSemaphores: &semaphore, PValues: &value}
	switch r := vk.Call(d.f.WaitSemaphores, uintptr(d.device), uintptr(unsafe.Pointer(info)), uintptr(most.Nanoseconds())); r {
	case vk.Success:
		return true, nil
	case vk.Timeout:
		return false, nil
	default:
		err := fault("vkWaitSemaphores", r)
		if !errors.Is(err, run.ErrLost) { // nothing else can be done about it
			err = errors.Join(run.ErrLost, err)
		}
		return false, err
	}
}

func (d *driver) Times(r run.Recorded) ([]time.Duration, error) {
	l := r.(*list)
	if l.timed == 0 {
		return nil, nil
	}
	stamps := make([]uint64, 2*l.timed)
	q := vk.Call(d.f.GetQueryPoolResults, uintptr(d.device), uintptr(l.queries), 0, uintptr(len(stamps)),
		uintptr(8*len(stamps)), uintptr(unsafe.Pointer(&stamps[0])), 8, vk.Query64|vk.QueryWait)
	if err := fault("vkGetQueryPoolResults", q); err != nil {
		return nil, err
	}
	times := make([]time.Duration, l.timed)
	for i := range times {
		ticks := stamps[2*i+1] - stamps[2*i]
		times[i] = time.Duration(float64(ticks) * float64(d.PhysicalDeviceProperties.Limits.TimestampPeriod))
	}
	return times, nil
}
