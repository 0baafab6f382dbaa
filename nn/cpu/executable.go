package cpu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
	"unsafe"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/internal/parallel"
	"github.com/df65613c/easel/internal/spill"
	"github.com/df65613c/easel/internal/weights"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/nn/profile"
	"github.com/df65613c/easel/tensor"
)

// step is one pass of a kernel over its units. All units of a step may run at
// once; steps run one after the other.
type step struct {
	op, weight string // whose pass it is
	units      int
	run        func(worker, unit int)
}

type executable struct {
	backend     *Backend
	pool        *parallel.Pool
	profile     *profile.Profile
	program     *nn.Program
	precision   nn.Precision
	formats     []convert.Format // in which values are kept, by ID
	plan        *nn.Plan
	workspace   []int // bytes by node
	scratchSize int   // bytes of a worker
	steps       []step
	changes     []*weights.Changes // made at the first run
	scales      []*rowScales       // so too, and after
	slab        []byte
	spilled     *spill.Memory // holds the slab, or nil
	scratch     [][]byte      // by worker
	mem         [][]byte      // by ID of root value
	work        [][]byte      // by index of node
	footprint   nn.Footprint
	spillTo     string // folder for the slab, "" is none
	closed      bool
	mu          sync.Mutex
}

// place decides where every inner value lies, and counts the memory.
func (e *executable) place(workspace []int, scratch int) {
	e.plan = nn.NewPlan(e.program, nn.PlanOptions{Bytes: e.bytesOf, Workspace: workspace})
	e.workspace, e.scratchSize = workspace, scratch
	e.footprint.Activations = int64(e.plan.Size)
	e.footprint.Scratch = int64(scratch * e.pool.Threads())
}

// spill plans the slab in a nameless file in a folder.
func (e *executable) spill(folder string) {
	e.spillTo = folder
	e.footprint.Spilled, e.footprint.Activations = e.footprint.Activations, 0
}

// prepare makes the slab, in memory or in a file, the scratch and the scales of
// weights. It waits for the first run, so that a program that is only planned
// takes no memory.
func (e *executable) prepare(ctx context.Context) (err error) {
	for _, c := range e.changes {
		if err := c.Make(ctx, e.pool); err != nil {
			return err
		}
	}
	for _, s := range e.scales {
		if err := s.make(ctx, e.pool); err != nil {
			return err
		}
	}
	if e.spillTo == "" {
		e.slab = tensor.New(tensor.U8, e.plan.Size).Bytes()
	} else {
		if e.spilled, err = spill.New(e.spillTo, e.plan.Size); err != nil {
			return err
		}
		e.slab = e.spilled.Bytes
	}
	e.work = make([][]byte, len(e.workspace))
	for i := range e.program.Nodes {
		out := e.program.Nodes[i].Out
		if off := e.plan.Offset[out.ID()]; off >= 0 {
			e.mem[out.ID()] = e.slab[off : off+e.bytesOf(out)]
		}
		if off := e.plan.Workspace[i]; off >= 0 {
			e.work[i] = e.slab[off : off+e.workspace[i]]
		}
	}
	for range e.pool.Threads() {
		e.scratch = append(e.scratch, tensor.New(tensor.U8, e.scratchSize).Bytes())
	}
	return nil
}

// bytesOf returns the size of a value in the format in which it is kept.
func (e *executable) bytesOf(v *nn.Value) int {
	if e.formats[v.Root().ID()] == convert.BF16 {
		return v.Shape().NumElements() * convert.BF16.Size()
	}
	return v.Bytes()
}

// f32 returns the elements of a value while the program runs.
func (e *executable) f32(v *nn.Value) []float32 { return elements[float32](e.mem[v.Root().ID()]) }

// i32 returns the elements of a value of ids.
func (e *executable) i32(v *nn.Value) []int32 { return elements[int32](e.mem[v.Root().ID()]) }

func elements[T any](b []byte) []T {
	var zero T
	return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b))), len(b)/int(unsafe.Sizeof(zero)))
}

// bytesOf returns the elements of an operand.
func bytesOf(m nn.Memory) ([]byte, error) {
	t, ok := m.(*tensor.Tensor)
	if !ok {
		return nil, errors.New("it is memory of another backend")
	}
	return t.Bytes(), nil
}

// Footprint implements nn.Executable.
func (e *executable) Footprint() nn.Footprint { return e.footprint }

// Run implements nn.Executable.
func (e *executable) Run(ctx context.Context, dst, src []nn.Memory) (err error) {
	if err := e.program.CheckRun(dst, src); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return fmt.Errorf("cpu: the executable is closed: %w", os.ErrClosed)
	}
	if e.work == nil {
		if err := e.prepare(ctx); err != nil {
			return err
		}
	}
	for i, in := range e.program.Inputs {
		if e.mem[in.Value.ID()], err = bytesOf(src[i]); err != nil {
			return fmt.Errorf("cpu: input %s: %w", in.Name, err)
		}
	}
	for i, out := range e.program.Outputs {
		if e.mem[out.Value.ID()], err = bytesOf(dst[i]); err != nil {
			return fmt.Errorf("cpu: output %s: %w", out.Name, err)
		}
	}
	for i := range e.steps {
		s, start := &e.steps[i], time.Time{}
		if e.profile != nil {
			start = time.Now()
		}
		if err := e.pool.Run(ctx, s.units, s.run); err != nil {
			return err
		}
		if e.profile != nil {
			e.profile.Add(s.op, s.weight, start, time.Since(start))
		}
	}
	return ctx.Err()
}

// Close implements nn.Executable.
func (e *executable) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.closed = true
	e.slab, e.scratch, e.mem, e.work, e.steps, e.scales, e.changes = nil, nil, nil, nil, nil, nil, nil
	if e.spilled == nil {
		return nil
	}
	s := e.spilled
	e.spilled = nil
	return s.Close()
}
