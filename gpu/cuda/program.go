package cuda

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/gpu/cuda/cu"
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/run"
)

// code is the text that a kernel is compiled from.
type code struct {
	name string // of the text, and of the function in it
	spec [kernel.Specs]uint32
}

// shape is how a kernel is launched.
type shape struct {
	code
	groups, threads int
	shared          int // bytes of dynamic shared memory
}

// shape returns what a pass is launched as: products may have tiles of their own.
func (d *driver) shape(p *run.Dispatch) shape {
	s := shape{code{p.Variant.Kernel.String(), p.Variant.Spec}, p.Groups, kernel.Threads, 0}
	switch {
	case p.Variant.Kernel == kernel.Attention:
		s.name = fmt.Sprintf("attention_%d", d.cores())
		s.shared = 5 * 64 * 64 * 2 // queries, and keys and values of two steps
	case p.Variant.Kernel == kernel.Gemm && d.cores() > 0 && tensorProduct(p):
		t := d.tileFor(int(p.Params[paramM]), int(p.Params[paramN]))
		s.name, s.threads = fmt.Sprintf("matmul_%dx%d_%d", t.m, t.n, d.cores()), t.threads
		s.groups = t.of(int(p.Params[paramM]), int(p.Params[paramN]))
		// The steps that are there at a time, and then half of the sums.
		s.shared = max((t.m+t.n)*64*stages[d.cores()], t.m/2*(t.n+8)*4)
	}
	return s
}

// program is the code of a kernel, as the driver compiled it.
type program struct {
	module, function uintptr
}

// Prepare compiles a variant. The driver keeps what it compiled in a cache of its own.
// Products are compiled as they are recorded: what is best for them is known only then.
func (d *driver) Prepare(v kernel.Variant) error {
	if v.Kernel == kernel.Gemm && d.cores() > 0 {
		return nil
	}
	_, err := d.program(d.shape(&run.Dispatch{Variant: v}))
	return err
}

func (d *driver) program(s shape) (*program, error) {
	if p := d.programs[s.code]; p != nil {
		return p, nil
	}
	text, err := kernel.PTX(s.name, s.spec)
	if err != nil {
		return nil, err
	}
	p := new(program)
	err = d.do(func() error {
		if err := fault("cuModuleLoadDataEx",
			cu.Call(d.f.ModuleLoadDataEx, uintptr(unsafe.Pointer(&p.module)), uintptr(unsafe.Pointer(cu.CString(text))), 0, 0,
				0)); err != nil {
			return err
		}
		err := fault("cuModuleGetFunction",
			cu.Call(d.f.ModuleGetFunction, uintptr(unsafe.Pointer(&p.function)), p.module, uintptr(unsafe.Pointer(cu.CString(s.name)))))
		const free = 48 << 10 // more is to be asked for
		if err == nil && s.shared > free {
			const maxDynamicShared = 8
			err = fault("cuFuncSetAttribute", cu.Call(d.f.FuncSetAttribute, p.function, maxDynamicShared, uintptr(s.shared)))
		}
		if err != nil {
			cu.Call(d.f.ModuleUnload, p.module)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kernel %s%v: %w", s.name, s.spec, err)
	}
	d.programs[s.code] = p
	return p, nil
}

// arguments are those of every kernel: struct Arguments of the code.
type arguments struct {
	bindings   [6]uint64
	parameters [32]uint32
}

// launch starts a kernel on the stream. The context is current, and the code compiled.
func (d *driver) launch(p *run.Dispatch) error {
	s := d.shape(p)
	code, err := d.program(s)
	if err != nil {
		return err
	}
	args := new(arguments)
	for i, b := range p.Bindings {
		args.bindings[i] = b.Buffer.(*buffer).address + uint64(b.Offset)
	}
	copy(args.parameters[:], p.Params)
	list := &[1]unsafe.Pointer{unsafe.Pointer(args)}
	r := cu.Call(d.f.LaunchKernel, code.function, uintptr(s.groups), 1, 1, uintptr(s.threads), 1, 1, uintptr(s.shared),
		d.stream, uintptr(unsafe.Pointer(list)), 0)
	if err := fault("cuLaunchKernel", r); err != nil {
		return fmt.Errorf("kernel %s%v: %w", s.name, s.spec, err)
	}
	return nil
}
