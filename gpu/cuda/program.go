package cuda

import (
	"fmt"
	"unsafe"

	"github.com/df65613c/easel/gpu/cuda/cu"
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/run"
)

// program is the code of a variant, as the driver compiled it.
type program struct {
	module, function uintptr
}

// Prepare compiles a variant. The driver keeps what it compiled in a cache of its own.
func (d *driver) Prepare(v kernel.Variant) error {
	_, err := d.program(v)
	return err
}

func (d *driver) program(v kernel.Variant) (*program, error) {
	if p := d.kernels[v]; p != nil {
		return p, nil
	}
	name := v.Kernel.String()
	text, err := kernel.PTX(name, v.Spec)
	if err != nil {
		return nil, err
	}
	p := new(program)
	err = d.do(func() error {
		if err := fault("cuModuleLoadDataEx", cu.Call(d.f.ModuleLoadDataEx, uintptr(unsafe.Pointer(&p.module)), uintptr(unsafe.Pointer(cu.CString(text))), 0, 0, 0)); err != nil {
			return err
		}
		err := fault("cuModuleGetFunction", cu.Call(d.f.ModuleGetFunction, uintptr(unsafe.Pointer(&p.function)), p.module, uintptr(unsafe.Pointer(cu.CString(name)))))
		if err != nil {
			cu.Call(d.f.ModuleUnload, p.module)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("kernel %s: %w", v, err)
	}
	d.kernels[v] = p
	return p, nil
}

// arguments are those of every kernel: struct Arguments of the code.
type arguments struct {
	bindings   [6]uint64
	parameters [32]uint32
}

// launch starts a kernel on the stream. The context is current.
func (d *driver) launch(p *run.Dispatch) error {
	code, err := d.program(p.Variant)
	if err != nil {
		return err
	}
	args := new(arguments)
	for i, b := range p.Bindings {
		args.bindings[i] = b.Buffer.(*buffer).address + uint64(b.Offset)
	}
	copy(args.parameters[:], p.Params)
	list := &[1]unsafe.Pointer{unsafe.Pointer(args)}
	return fault("cuLaunchKernel", cu.Call(d.f.LaunchKernel, code.function, uintptr(p.Groups), 1, 1, kernel.Threads, 1, 1, 0, d.stream, uintptr(unsafe.Pointer(list)), 0))
}
