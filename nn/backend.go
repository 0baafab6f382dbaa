package nn

import (
	"context"
	"fmt"

	"github.com/df65613c/easel/tensor"
)

// Backend runs graphs on a device.
type Backend interface {
	// Name names the device and the instruction set, such as "cpu (avx512, 2 threads)".
	Name() string
	// Supports reports whether the backend has an operation on a type. Only
	// Compile asks it, and decomposes what is missing.
	Supports(Op, tensor.DType) bool
	// Compile prepares a program. Call nn.Compile, which lowers a graph first.
	Compile(context.Context, *Program, CompileOptions) (Executable, error)
	// New makes memory for a value that one executable of the backend writes and
	// others read. Free gives it back. On the CPU it is a tensor.
	New(dt tensor.DType, shape ...int) (Memory, error)
	// Close frees the device; executables must be closed before.
	Close() error
}

// Executable is a compiled program. Run may be called from several
// goroutines; the calls take turns.
type Executable interface {
	// Footprint tells the memory that the executable holds, known before any run.
	Footprint() Footprint
	// Run computes dst, the outputs and then the taps in the order of the
	// program, from src, the inputs. They have the program's types and shapes; tensors
	// are contiguous. A cancelled context stops it soon; dst is then undefined.
	Run(ctx context.Context, dst, src []Memory) error
	// Close frees the memory.
	Close() error
}

// Footprint is the memory of an executable in bytes.
type Footprint struct {
	Weights     int64 // parameters as they lie in their files, used in place
	Packed      int64 // parameters copied: for kernels, or from files that can't be used in place
	Activations int64 // the slab that holds the values between operations
	Scratch     int64 // work space of the kernels
	Spilled     int64 // the slab, if it lies in a file
	Resident    int64 // parameters copied to a device, shared with other executables
	Streamed    int64 // parameters copied to a device in every run
}

// Total returns what the executable allocates: all but what is mapped or shared.
func (f Footprint) Total() int64 { return f.Packed + f.Activations + f.Scratch }

// CompileOptions adjusts a compilation. The zero value is good.
type CompileOptions struct {
	Taps []string // inner values to give out after the outputs
	// Memory is how many bytes the executable may allocate; 0 is no limit. A
	// program that needs more fails with a *MemoryError, unless Spill allows
	// values between operations to lie in a nameless file. The file is made at
	// the first run, in a folder that the backend knows. A backend without such
	// files ignores Spill.
	Memory int64
	Spill  bool
}

// MemoryError says that a program does not fit a limit.
type MemoryError struct{ Limit, Least int64 }

func (e *MemoryError) Error() string {
	return fmt.Sprintf("%d MiB of memory are not enough, %d MiB are the least", e.Limit>>20, (e.Least+1<<20-1)>>20)
}

// Program is a graph lowered to the operations of one backend.
type Program struct {
	Nodes   []Node
	Values  int // number of values; their IDs are below it
	Inputs  []Named
	Outputs []Named // the graph's outputs, then the taps
}

// Compile lowers the graph to the operations of the backend and compiles it.
func Compile(ctx context.Context, b Backend, g *Graph, opts CompileOptions) (Executable, error) {
	p, err := Lower(g, b.Supports, opts.Taps)
	if err != nil {
		return nil, err
	}
	return b.Compile(ctx, p, opts)
}
