package fake

import (
	"fmt"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/df65613c/easel/gpu/cuda/cu"
)

func ofModules(f *cu.Funcs) {
	f.ModuleLoadDataEx = purego.NewCallback(func(m *uintptr, image *byte, options uint32, names, values uintptr) int32 {
		return working(func(l *Library) cu.Result {
			source := text(image)
			if l.OnText != nil {
				source = l.OnText(source)
			}
			k, err := parse(source)
			if err != nil {
				l.fault = err
				return cu.InvalidPTX
			}
			if k.Target > l.Capability {
				return 209 // CUDA_ERROR_NO_BINARY_FOR_GPU
			}
			l.names = append(l.names, k.Name)
			*m = l.add(&module{k})
			return cu.Success
		})
	})
	f.ModuleUnload = purego.NewCallback(func(m uintptr) int32 {
		return working(func(l *Library) cu.Result {
			for handle, o := range l.objects { // functions go with their module
				if fn, ok := o.(*function); ok && fn.module == m {
					delete(l.objects, handle)
				}
			}
			return remove[*module](l, m)
		})
	})
	f.ModuleGetFunction = purego.NewCallback(func(fn *uintptr, m uintptr, name *byte) int32 {
		return working(func(l *Library) cu.Result {
			k := object[*module](l, m).kernel
			if k.Name != text(name) {
				return cu.NotFound
			}
			*fn = l.add(&function{m, k, 48 << 10})
			return cu.Success
		})
	})
	f.FuncSetAttribute = purego.NewCallback(func(fn uintptr, attribute, value int32) int32 {
		return working(func(l *Library) cu.Result {
			const maxDynamicShared = 8
			if attribute != maxDynamicShared || value > 99<<10 {
				return cu.InvalidValue
			}
			object[*function](l, fn).shared = int(value)
			return cu.Success
		})
	})
	f.LaunchKernel = purego.NewCallback(func(fn uintptr, gx, gy, gz, bx, by, bz, shared uint32, s uintptr,
		parameters *unsafe.Pointer, extra uintptr) int32 {
		return working(func(l *Library) cu.Result {
			function := object[*function](l, fn)
			k := function.kernel
			if gx == 0 || gy != 1 || gz != 1 || by != 1 || bz != 1 || int(shared) > function.shared {
				l.fault = fmt.Errorf("%s: a launch of %d x %d x %d blocks and %d bytes of shared memory", k.Name, gx, gy, gz, shared)
				return cu.InvalidValue
			}
			block := append([]byte(nil), unsafe.Slice((*byte)(*parameters), k.Size())...)
			l.put(s, func() error { return k.Launch(&l.memory, int(gx), int(bx), int(shared), block) })
			return cu.Success
		})
	})
}

func ofStreams(f *cu.Funcs) {
	f.StreamCreate = purego.NewCallback(func(p *uintptr, flags uint32) int32 {
		return working(func(l *Library) cu.Result {
			s := &stream{queue: make(chan work, 1<<16)}
			go l.serve(s)
			*p = l.add(s)
			return cu.Success
		})
	})
	f.StreamDestroy = purego.NewCallback(func(p uintptr) int32 {
		return working(func(l *Library) cu.Result {
			close(object[*stream](l, p).queue)
			return remove[*stream](l, p)
		})
	})
	f.StreamBeginCapture = purego.NewCallback(func(s uintptr, mode uint32) int32 {
		return working(func(l *Library) cu.Result { object[*stream](l, s).capturing = new(graph); return cu.Success })
	})
	f.StreamEndCapture = purego.NewCallback(func(s uintptr, g *uintptr) int32 {
		return working(func(l *Library) cu.Result {
			of := object[*stream](l, s)
			*g = l.add(of.capturing)
			of.capturing = nil
			return cu.Success
		})
	})
	f.GraphInstantiate = purego.NewCallback(func(p *uintptr, g, node, log, size uintptr) int32 {
		return working(func(l *Library) cu.Result { *p = l.add(&exec{object[*graph](l, g).work}); return cu.Success })
	})
	f.GraphDestroy = purego.NewCallback(func(g uintptr) int32 { return working(func(l *Library) cu.Result { return remove[*graph](l, g) }) })
	f.GraphExecDestroy = purego.NewCallback(func(g uintptr) int32 { return working(func(l *Library) cu.Result { return remove[*exec](l, g) }) })
	f.GraphLaunch = purego.NewCallback(func(g, s uintptr) int32 {
		return working(func(l *Library) cu.Result {
			l.launches++
			if l.OnLaunch != nil {
				if r := l.OnLaunch(l.launches - 1); r != cu.Success {
					if r.Lost() {
						l.lost = r
					}
					return r
				}
			}
			for _, w := range object[*exec](l, g).work {
				l.put(s, w)
			}
			return cu.Success
		})
	})
}

func ofEvents(f *cu.Funcs) {
	f.EventCreate = purego.NewCallback(func(e *uintptr, flags uint32) int32 {
		return working(func(l *Library) cu.Result { *e = l.add(new(event)); return cu.Success })
	})
	f.EventDestroy = purego.NewCallback(func(e uintptr) int32 { return working(func(l *Library) cu.Result { return remove[*event](l, e) }) })
	f.EventRecord = purego.NewCallback(func(e, s uintptr) int32 {
		return working(func(l *Library) cu.Result {
			of := object[*event](l, e)
			of.pending++
			l.put(s, func() error {
				l.mu.Lock()
				defer l.mu.Unlock()
				of.pending--
				return nil
			})
			return cu.Success
		})
	})
	f.EventQuery = purego.NewCallback(func(e uintptr) int32 {
		return working(func(l *Library) cu.Result {
			if object[*event](l, e).pending > 0 {
				return cu.NotReady
			}
			return cu.Success
		})
	})
	f.EventElapsed = purego.NewCallback(func(ms *float32, from, to uintptr) int32 {
		return working(func(l *Library) cu.Result {
			if object[*event](l, from).pending+object[*event](l, to).pending > 0 {
				return cu.NotReady
			}
			*ms = 1
			return cu.Success
		})
	})
}
