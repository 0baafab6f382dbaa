package fake

import (
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/df65613c/easel/gpu/cuda/cu"
	"github.com/df65613c/easel/gpu/cuda/internal/ptxsim"
)

func ofDevices(f *cu.Funcs) {
	f.Init = purego.NewCallback(func(uint32) int32 {
		if on := current.library.OnInit; on != nil {
			on()
		}
		return 0
	})
	f.DriverGetVersion = purego.NewCallback(func(v *int32) int32 { *v = 11080; return 0 })
	f.DeviceGetCount = purego.NewCallback(func(n *int32) int32 { *n = int32(current.library.Devices); return 0 })
	f.DeviceGet = purego.NewCallback(func(d *int32, i int32) int32 { *d = 70 + i; return 0 })
	f.DeviceGetName = purego.NewCallback(func(b *byte, n, d int32) int32 { copy(unsafe.Slice(b, n), Name+"\x00"); return 0 })
	f.DeviceTotalMem = purego.NewCallback(func(n *uintptr, d int32) int32 { *n = uintptr(current.library.Memory); return 0 })
	f.DeviceGetAttribute = purego.NewCallback(func(v *int32, attribute, d int32) int32 {
		l := current.library
		known := map[int32]int{13: l.Clock, 16: 1, 75: l.Capability / 10, 76: l.Capability % 10}
		*v = int32(known[attribute])
		return 0
	})
	f.DevicePrimaryCtxRetain = purego.NewCallback(func(c *uintptr, d int32) int32 {
		return call(func(l *Library) cu.Result { *c = 0xc0; l.contexts++; return cu.Success })
	})
	f.DevicePrimaryCtxRelease = purego.NewCallback(func(d int32) int32 {
		return call(func(l *Library) cu.Result {
			if l.contexts--; l.contexts == 0 && l.lost != cu.Success { // what is left goes with it
				for _, o := range l.objects {
					if s, ok := o.(*stream); ok {
						close(s.queue)
					}
				}
				l.memory, l.lost, l.used = ptxsim.Memory{}, cu.Success, 0
				clear(l.objects)
				clear(l.hosts)
			}
			return cu.Success
		})
	})
	f.CtxSetCurrent = purego.NewCallback(func(c uintptr) int32 { return 0 })
	f.CtxSynchronize = purego.NewCallback(func() int32 {
		var streams []*stream
		call(func(l *Library) cu.Result {
			for _, o := range l.objects {
				if s, ok := o.(*stream); ok {
					streams = append(streams, s)
				}
			}
			return cu.Success
		})
		for _, s := range streams {
			s.busy.Wait()
		}
		return working(func(*Library) cu.Result { return cu.Success })
	})
}
