package fake

import (
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/df65613c/easel/gpu/cuda/cu"
)

// allocate counts an allocation and tells what it ends with.
func (l *Library) allocate(n uintptr) cu.Result {
	l.allocs++
	if l.OnAlloc != nil {
		if r := l.OnAlloc(l.allocs - 1); r != cu.Success {
			return r
		}
	}
	if l.used+int64(n) > l.Memory {
		return cu.OutOfMemory
	}
	return cu.Success
}

func ofMemory(f *cu.Funcs) {
	f.MemGetInfo = purego.NewCallback(func(free, total *uintptr) int32 {
		return working(func(l *Library) cu.Result {
			*free, *total = uintptr(l.Memory-l.used), uintptr(l.Memory)
			return cu.Success
		})
	})
	f.MemAlloc = purego.NewCallback(func(p *uint64, n uintptr) int32 {
		return working(func(l *Library) cu.Result {
			r := l.allocate(n)
			if r == cu.Success {
				*p = l.memory.Alloc(int(n))
				l.used += int64(n)
			}
			return r
		})
	})
	f.MemFree = purego.NewCallback(func(p uint64) int32 {
		return working(func(l *Library) cu.Result {
			n := l.memory.Free(p)
			if n < 0 {
				return cu.InvalidValue
			}
			l.used -= int64(n)
			return cu.Success
		})
	})
	f.MemHostAlloc = purego.NewCallback(func(p *unsafe.Pointer, n uintptr, flags uint32) int32 {
		return working(func(l *Library) cu.Result {
			r := l.allocate(n)
			if r == cu.Success {
				b := make([]byte, n)
				for i := range b {
					b[i] = 0xff
				}
				*p = unsafe.Pointer(&b[0])
				l.hosts[uintptr(*p)] = b
			}
			return r
		})
	})
	f.MemFreeHost = purego.NewCallback(func(p uintptr) int32 {
		return working(func(l *Library) cu.Result {
			if l.hosts[p] == nil {
				return cu.InvalidValue
			}
			delete(l.hosts, p)
			return cu.Success
		})
	})
	f.MemcpyAsync = purego.NewCallback(func(to, from uint64, n, s uintptr) int32 {
		return working(func(l *Library) cu.Result {
			dst, src := l.bytes(to, int(n)), l.bytes(from, int(n))
			if dst == nil || src == nil {
				return cu.InvalidValue
			}
			l.put(s, func() error { copy(dst, src); return nil })
			return cu.Success
		})
	})
}
