// Package fake is NVIDIA's driver library for tests: its functions have the C calling
// convention, and kernels run in an interpreter of PTX. Work on a stream runs beside the caller,
// as on a device.
package fake

import (
	"fmt"
	"sync"
	"unsafe"

	"github.com/df65613c/easel/gpu/cuda/cu"
	"github.com/df65613c/easel/gpu/cuda/internal/ptxsim"
)

// Library is a state of the library.
type Library struct {
	Devices    int
	Capability int    // 80 for 8.0
	Memory     int64  // bytes that are free
	Clock      int    // kHz, which the guess of speed follows
	OnInit     func() // is called by cuInit; nil is none
	// OnAlloc and OnLaunch return what the n-th allocation, and the n-th launch of a
	// graph, end with, from 0 on; nil is success.
	OnAlloc, OnLaunch func(n int) cu.Result
	// OnText may change the text of a module; nil does not.
	OnText func(text string) string

	mu       sync.Mutex
	used     int64
	allocs   int
	launches int
	memory   ptxsim.Memory
	hosts    map[uintptr][]byte
	objects  map[uintptr]any // modules, functions, graphs, events, streams
	next     uintptr
	contexts int
	names    []string // of kernels that were loaded
	fault    error    // of a kernel; the device is lost then
	lost     cu.Result
}

// Name is that of the device.
const Name = "NVIDIA Interpreter"

var current struct {
	sync.Mutex
	library *Library
	funcs   *cu.Funcs
}

// Use makes l the library, and returns its functions. There is one at a time: C functions
// are made once in a process.
func Use(l *Library) *cu.Funcs {
	current.Lock()
	defer current.Unlock()
	if l.Devices == 0 {
		l.Devices = 1
	}
	if l.Capability == 0 {
		l.Capability = 80
	}
	if l.Memory == 0 {
		l.Memory = 1 << 32
	}
	if l.Clock == 0 {
		l.Clock = 1e6
	}
	l.hosts, l.objects, l.next = make(map[uintptr][]byte), make(map[uintptr]any), 0x1000
	current.library = l
	if current.funcs == nil {
		current.funcs = functions()
	}
	return current.funcs
}

// Live describes what was not given back; "" is nothing.
func (l *Library) Live() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := l.memory.Live(); n > 0 || len(l.hosts) > 0 || len(l.objects) > 0 || l.contexts > 0 {
		kinds := make(map[string]int)
		for _, o := range l.objects {
			kinds[fmt.Sprintf("%T", o)]++
		}
		return fmt.Sprintf("%d bytes, %d buffers of the host, %v, %d contexts", n, len(l.hosts), kinds, l.contexts)
	}
	return ""
}

// Fault returns what a kernel did wrong, or nil.
func (l *Library) Fault() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

// Names returns the kernels that were loaded.
func (l *Library) Names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.names
}

type (
	module   struct{ kernel *ptxsim.Kernel }
	function struct {
		module uintptr
		kernel *ptxsim.Kernel
		shared int // bytes of dynamic shared memory that are allowed
	}
	graph struct{ work []work }
	exec  struct{ work []work }
	event struct{ pending int } // records of it that are not reached
	work  func() error
)

// kernels are those that were parsed, by their text: libraries load the same ones.
var kernels sync.Map

func parse(text string) (*ptxsim.Kernel, error) {
	if k, ok := kernels.Load(text); ok {
		return k.(*ptxsim.Kernel), nil
	}
	k, err := ptxsim.Parse(text)
	if err == nil {
		kernels.Store(text, k)
	}
	return k, err
}

// stream runs its work in order.
type stream struct {
	capturing *graph
	queue     chan work
	busy      sync.WaitGroup
}

func (l *Library) add(o any) uintptr {
	l.next += 16
	l.objects[l.next] = o
	return l.next
}

// object returns what a handle stands for. Another kind of object is a bug of the caller.
func object[T any](l *Library, handle uintptr) T {
	o, ok := l.objects[handle].(T)
	if !ok {
		panic(fmt.Sprintf("handle %#x is %T, want %T", handle, l.objects[handle], o))
	}
	return o
}

func remove[T any](l *Library, handle uintptr) cu.Result {
	object[T](l, handle)
	delete(l.objects, handle)
	return cu.Success
}

// call is what each function does around its own work.
func call(f func(l *Library) cu.Result) int32 {
	l := current.library
	l.mu.Lock()
	defer l.mu.Unlock()
	return int32(f(l))
}

// working is call for what needs a device that is not lost.
func working(f func(l *Library) cu.Result) int32 {
	return call(func(l *Library) cu.Result {
		if l.lost != cu.Success {
			return l.lost
		}
		return f(l)
	})
}

// put adds work to a stream, or to the graph that it captures.
func (l *Library) put(handle uintptr, w work) {
	s := object[*stream](l, handle)
	if s.capturing != nil {
		s.capturing.work = append(s.capturing.work, w)
		return
	}
	s.busy.Add(1)
	s.queue <- w
}

// serve does the work of a stream.
func (l *Library) serve(s *stream) {
	for w := range s.queue {
		l.mu.Lock()
		lost := l.lost
		l.mu.Unlock()
		if lost == cu.Success {
			if err := w(); err != nil {
				l.mu.Lock()
				l.fault, l.lost = err, cu.IllegalAddress
				l.mu.Unlock()
			}
		}
		s.busy.Done()
	}
}

// bytes returns memory of the device or of the host.
func (l *Library) bytes(address uint64, n int) []byte {
	if address >= ptxsim.GlobalBase {
		return l.memory.Bytes(address, n)
	}
	for at, b := range l.hosts {
		if uintptr(address) >= at && uintptr(address)+uintptr(n) <= at+uintptr(len(b)) {
			return b[uintptr(address)-at:][:n]
		}
	}
	return nil
}

func text(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}

func functions() *cu.Funcs {
	f := new(cu.Funcs)
	ofDevices(f)
	ofMemory(f)
	ofModules(f)
	ofStreams(f)
	ofEvents(f)
	return f
}
