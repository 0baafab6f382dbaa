// Package run runs passes on a device through a small driver: it owns memory,
// weights, submission, cancelling and profiles.
package run

import (
	"errors"
	"time"

	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/pass"
)

// Errors that drivers wrap.
var (
	ErrMemory = errors.New("out of memory")
	ErrLost   = errors.New("the device is lost")
)

// Kind is what a buffer is for.
type Kind uint8

const (
	Device   Kind = iota // kernels read and write it
	Upload               // the host writes it, the device copies from it
	Readback             // the device copies to it, the host reads it
)

// Limits are those of a device.
type Limits struct {
	pass.Limits
	Memory  int64   // bytes that may be used in all
	Unified bool    // the host sees buffers of Device
	Rate    float64 // FLOP/s, a first guess
	Bytes   float64 // bytes a second that kernels move, a first guess
}

// Buffer is memory of a driver.
type Buffer interface{ Size() int64 }

// Recorded is a list of commands that can be submitted any number of times, but
// not again before it is done.
type Recorded any

// Ticket tells one submission from another.
type Ticket uint64

// Range is a part of a buffer.
type Range struct {
	Buffer       Buffer
	Offset, Size int64
}

// Command is a barrier, if Barrier is set, and then a dispatch of a kernel, a copy, or
// neither. After a barrier all that was written before can be read and written.
type Command struct {
	Barrier  bool
	Dispatch *Dispatch
	From, To Range // of a copy
}

// Dispatch is a run of a kernel.
type Dispatch struct {
	Variant  kernel.Variant
	Groups   int
	Params   []uint32
	Bindings []Range // offsets are multiples of pass.Align
}

// Driver drives one device. All methods but Wait are called by one goroutine at a time.
type Driver interface {
	Name() string
	Limits() Limits
	// Alloc returns memory, or an error that wraps ErrMemory.
	Alloc(bytes int64, k Kind) (Buffer, error)
	Free(Buffer)
	// Host returns the bytes of a buffer that the host sees, or nil.
	Host(Buffer) []byte
	// Prepare makes a kernel ready, which may take long.
	Prepare(kernel.Variant) error
	// Record makes a list of commands; timed takes down how long each dispatch takes.
	Record(cmds []Command, timed bool) (Recorded, error)
	Release(Recorded)
	// Submit starts a list after those that were submitted before. What those wrote it
	// reads after a barrier.
	Submit(Recorded) (Ticket, error)
	// Wait waits for a submission, and tells whether it is done. Its error wraps ErrLost.
	Wait(t Ticket, most time.Duration) (bool, error)
	// Times returns how long each dispatch of a timed list took, which is done.
	Times(Recorded) ([]time.Duration, error)
	Close() error
}
