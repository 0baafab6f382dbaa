package cuda

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"github.com/df65613c/easel/gpu/cuda/cu"
	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/gpu/internal/run"
)

// passTime is how long a pass may take: what is submitted can't be cancelled.
const passTime = 50 * time.Millisecond

// driver implements run.Driver.
type driver struct {
	*properties
	f        *cu.Funcs
	context  uintptr
	stream   uintptr
	free     int64 // bytes, when it was opened
	programs map[code]*program

	mu     sync.Mutex // for Wait, which runs beside the other methods
	ticket run.Ticket
	done   run.Ticket // this and all before are
	events map[run.Ticket]uintptr
	spare  []uintptr // events to use again
}

// Open returns a driver of the device with the given index among those of Devices.
func Open(index int) (run.Driver, error) {
	f, err := cu.Load()
	if err != nil {
		return nil, err
	}
	return OpenBy(f, index)
}

// OpenBy is Open with the functions of a library: its own are for tests.
func OpenBy(f *cu.Funcs, index int) (_ run.Driver, err error) {
	list, err := devices(f)
	if err != nil {
		return nil, err
	}
	if index < 0 || index >= len(list) {
		return nil, fmt.Errorf("cuda: no device %d; there are %d", index, len(list))
	}
	d := &driver{f: f, programs: make(map[code]*program), events: make(map[run.Ticket]uintptr)}
	if d.properties, err = propertiesOf(f, index); err != nil {
		return nil, fmt.Errorf("cuda: %w", err)
	}
	if d.capability < 60 {
		return nil, fmt.Errorf("cuda: %s has compute capability %d.%d, want 6.0", d.name, d.capability/10, d.capability%10)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("cuda: %s: %w", d.name, err), d.Close())
		}
	}()
	if err := fault("cuDevicePrimaryCtxRetain",
		cu.Call(f.DevicePrimaryCtxRetain, uintptr(unsafe.Pointer(&d.context)), uintptr(d.handle))); err != nil {
		return nil, err
	}
	err = d.do(func() error {
		const nonBlocking = 1
		var free, total uintptr
		if err := fault("cuMemGetInfo",
			cu.Call(f.MemGetInfo, uintptr(unsafe.Pointer(&free)), uintptr(unsafe.Pointer(&total)))); err != nil {
			return err
		}
		d.free = int64(free)
		return fault("cuStreamCreate", cu.Call(f.StreamCreate, uintptr(unsafe.Pointer(&d.stream)), nonBlocking))
	})
	return d, err
}

// fault returns the error of a function, as package run knows them.
func fault(function string, r cu.Result) error {
	err := cu.Check(function, r)
	switch {
	case r == cu.OutOfMemory:
		return fmt.Errorf("%w: %w", run.ErrMemory, err)
	case r.Lost():
		return fmt.Errorf("%w: %w", run.ErrLost, err)
	}
	return err
}

// do calls f where the context is current: that is a matter of threads.
func (d *driver) do(f func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := fault("cuCtxSetCurrent", cu.Call(d.f.CtxSetCurrent, d.context)); err != nil {
		return err
	}
	return f()
}

func (d *driver) Name() string { return fmt.Sprintf("cuda (%s)", d.name) }

// Limits returns what the device can do. How fast it is is a first guess, which says how
// much is submitted at a time.
func (d *driver) Limits() run.Limits {
	const perClock, share = 2 * 64, 0.3 // FLOPs of a processor on float32, and how much of them is met
	l := run.Limits{
		// Kernels count words in 32 bits, and halves in 31.
		Limits: pass.Limits{Range: 4 << 30, Slab: 1 << 50},
		Memory: d.free / 10 * 9,
		Rate:   perClock * share * float64(d.processors) * float64(d.clock) * 1e3, Bytes: 1e11,
	}
	l.FLOPs = l.Rate * passTime.Seconds()
	if d.cores() > 0 {
		l.Attention = 64
	}
	return l
}

// buffer is a range of memory: of the device, or of the host, which the device sees too.
type buffer struct {
	address uint64
	size    int64
	host    []byte // nil if it is the device's
}

func (b *buffer) Size() int64 { return b.size }

func (d *driver) Alloc(bytes int64, k run.Kind) (run.Buffer, error) {
	b := &buffer{size: bytes}
	return b, d.do(func() error {
		if k == run.Device {
			return fault("cuMemAlloc", cu.Call(d.f.MemAlloc, uintptr(unsafe.Pointer(&b.address)), uintptr(bytes)))
		}
		var at unsafe.Pointer // outside of Go's heap
		if err := fault("cuMemHostAlloc", cu.Call(d.f.MemHostAlloc, uintptr(unsafe.Pointer(&at)), uintptr(bytes), 0)); err != nil {
			return err
		}
		b.host, b.address = unsafe.Slice((*byte)(at), bytes), uint64(uintptr(at))
		return nil
	})
}

func (d *driver) Free(m run.Buffer) {
	b := m.(*buffer)
	_ = d.do(func() error { // a lost device frees nothing, and says so
		if b.host != nil {
			return cu.Check("cuMemFreeHost", cu.Call(d.f.MemFreeHost, uintptr(b.address)))
		}
		return cu.Check("cuMemFree", cu.Call(d.f.MemFree, uintptr(b.address)))
	})
}

func (d *driver) Host(m run.Buffer) []byte { return m.(*buffer).host }

func (d *driver) Close() error {
	if d.context == 0 {
		return nil
	}
	_ = d.do(func() error { // of a lost device everything fails, but is freed with the context
		cu.Call(d.f.CtxSynchronize)
		for _, p := range d.programs {
			cu.Call(d.f.ModuleUnload, p.module)
		}
		for _, e := range d.events {
			cu.Call(d.f.EventDestroy, e)
		}
		for _, e := range d.spare {
			cu.Call(d.f.EventDestroy, e)
		}
		if d.stream != 0 {
			cu.Call(d.f.StreamDestroy, d.stream)
		}
		return nil
	})
	err := cu.Check("cuDevicePrimaryCtxRelease", cu.Call(d.f.DevicePrimaryCtxRelease, uintptr(d.handle)))
	d.context = 0
	return err
}
