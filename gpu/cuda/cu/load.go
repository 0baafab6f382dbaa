// Package cu binds NVIDIA's driver library, without cgo.
package cu

import (
	"fmt"
	"reflect"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Funcs holds the addresses of the library's functions, which are called by Call. The
// name of a field, with "cu" before it and its tag behind it, is that of the function. Tests
// fill it with functions of their own.
type Funcs struct {
	Init, DriverGetVersion                                              uintptr
	DeviceGetCount, DeviceGet, DeviceGetName, DeviceGetAttribute        uintptr
	DeviceTotalMem, MemGetInfo                                          uintptr `cu:"_v2"`
	DevicePrimaryCtxRetain, CtxSetCurrent, CtxSynchronize               uintptr
	DevicePrimaryCtxRelease                                             uintptr `cu:"_v2"`
	MemAlloc, MemFree                                                   uintptr `cu:"_v2"`
	MemHostAlloc, MemFreeHost, MemcpyAsync                              uintptr
	ModuleLoadDataEx, ModuleUnload, ModuleGetFunction, FuncSetAttribute uintptr
	LaunchKernel, StreamCreate                                          uintptr
	StreamDestroy, StreamBeginCapture                                   uintptr `cu:"_v2"`
	StreamEndCapture, GraphDestroy, GraphExecDestroy, GraphLaunch       uintptr
	GraphInstantiate                                                    uintptr `cu:"_v2"`
	EventCreate, EventRecord, EventQuery, EventElapsed                  uintptr
	EventDestroy                                                        uintptr `cu:"_v2"`
}

// names are functions whose fields are shorter.
var names = map[string]string{"EventElapsed": "EventElapsedTime"}

var library struct {
	once  sync.Once
	err   error
	funcs Funcs
}

// Load loads the library. Where there is none the error says so.
func Load() (*Funcs, error) {
	library.once.Do(func() { library.err = load(&library.funcs) })
	return &library.funcs, library.err
}

func load(f *Funcs) error {
	lookUp, err := open()
	if err != nil {
		return fmt.Errorf("cuda: no driver: %w", err)
	}
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		name := field.Name
		if long := names[name]; long != "" {
			name = long
		}
		p, err := lookUp("cu" + name + field.Tag.Get("cu"))
		if err != nil {
			return fmt.Errorf("cuda: the driver is older than CUDA 11: %w", err)
		}
		v.Field(i).SetUint(uint64(p))
	}
	return nil
}

// Call enters a function. Each uintptr(unsafe.Pointer(&x)) among its arguments escapes to the
// heap and lives until it returns.
//
//go:uintptrescapes
func Call(fn uintptr, a ...uintptr) Result {
	r, _, _ := purego.SyscallN(fn, a...)
	return Result(int32(r))
}

// Start initialises the library, which must be done before all else. Handlers of signals
// that it replaces are set again: Go's must run on stacks of their own.
func Start(f *Funcs) Result {
	var r Result
	keepSignals(func() { r = Call(f.Init, 0) })
	return r
}

// CString returns a copy of s that ends with a 0.
func CString(s string) *byte { return unsafe.SliceData(append([]byte(s), 0)) }

// GoString returns the text in b before a 0.
func GoString(b []byte) string {
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
	}
	return string(b)
}
