// Package cpu is the backend that runs graphs on the processor.
//
// It computes in float32, or with the operands of products rounded to
// bfloat16; weights of any of F32, F16 and BF16 are read where they lie. The result does not depend on the number of threads, and a row of
// a batch does not depend on the other rows.
package cpu

import (
	"cmp"
	"fmt"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/internal/spill"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/profile"
	"github.com/df65613c/easel/tensor"
)

// Options adjusts a backend. The zero value is good.
type Options struct {
	Threads   int              // 0 is GOMAXPROCS
	Precision nn.Precision     // F32, BF16, Int8 or Auto; "" is F32
	Profile   *profile.Profile // takes the time of every operation; nil is none
	// SpillDir is the folder for the work memory of programs that do not fit
	// nn.CompileOptions.Memory and may spill. "" is /var/tmp, which is on a disk
	// where /tmp often is in memory, or the system's temporary folder if that does not exist.
	SpillDir string
}

// Backend runs graphs on the processor. It is safe for concurrent use.
type Backend struct {
	pool      *parallel.Pool
	precision nn.Precision // F32, BF16 or Int8
	large     int          // bytes of images that reduced precision keeps rounded
	ample     int64        // bytes that a program may take before images are made in parts
	profile   *profile.Profile
	spillTo   string
	fault     error // of the options, which Compile returns

	scales  perWeight[*rowScales]
	changes perWeight[*weights.Changes]
}

// New returns a backend with a pool of threads of its own. If it does not have
// the precision that the options ask for, its Compile returns an error.
func New(opts Options) *Backend {
	precision, err := resolve(opts.Precision)
	return &Backend{
		pool: parallel.New(opts.Threads), precision: precision, fault: err, large: largeImage, ample: ampleMemory,
		profile: opts.Profile, spillTo: cmp.Or(opts.SpillDir, spill.Folder()),
	}
}

// Name returns for example "cpu (avx512, f32, 2 threads)".
func (b *Backend) Name() string {
	return fmt.Sprintf("cpu (%s, %s, %d threads)", cpu.Current(), b.precision, b.pool.Threads())
}

// Supports reports whether the backend has the operation: all of them, on F32.
func (b *Backend) Supports(op nn.Op, dt tensor.DType) bool {
	if _, ok := op.(nn.Cast); ok {
		return dt == tensor.F32 || dt == tensor.I32
	}
	return dt == tensor.F32
}

// New returns a tensor.
func (b *Backend) New(dt tensor.DType, shape ...int) (nn.Memory, error) {
	return tensor.Zeros(dt, shape...)
}

// Close ends the threads. Executables must not run any more.
func (b *Backend) Close() error {
	b.pool.Close()
	return nil
}
