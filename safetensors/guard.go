package safetensors

import (
	"fmt"
	"runtime/debug"
	"unsafe"
)

// Guard calls read, which may read tensors of f on the calling goroutine, and
// returns its error. A mapped file that is truncated while it is in use, or
// whose disk fails, stops a program that touches the lost bytes; under Guard
// such a fault is an error that names the file. Other panics pass through.
func (f *File) Guard(read func() error) error {
	f.mu.RLock()
	sources := f.sources
	f.mu.RUnlock()
	return guard(sources, read)
}

func guard(sources []*source, read func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		fault, ok := r.(interface{ Addr() uintptr })
		if ok {
			for _, s := range sources {
				if off, ok := s.offset(fault.Addr()); ok {
					err = &FormatError{File: s.name,
						Fault: fmt.Sprintf("the mapped byte %d cannot be read: the file was truncated or its disk failed", off)}
					return
				}
			}
		}
		panic(r)
	}()
	return read()
}

// offset returns the place in the file of an address of its mapped bytes.
func (s *source) offset(addr uintptr) (int64, bool) {
	start := uintptr(unsafe.Pointer(unsafe.SliceData(s.bytes)))
	return int64(addr - start), start <= addr && addr-start < uintptr(len(s.bytes))
}
