// Package pass turns a program of package nn into passes: runs of kernels over
// ranges of one slab of memory. It knows the limits of a device, and no device.
package pass

import (
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/nn"
)

// Limits are what a device can do in one pass.
type Limits struct {
	Range int64   // bytes of a binding
	Slab  int64   // bytes of the slab
	FLOPs float64 // of a pass, so that it ends soon; 0 is no limit
	// Attention is the most channels of a head for which there is a kernel in
	// halves that keeps no scores; 0 is none.
	Attention int
}

// Align is the alignment of values in the slab, and of bindings.
const Align = 256

// Band is how many bytes of work space a node takes where it can work in parts: of
// normalised images, and of scores of attention.
const Band = 64 << 20

// Program is a program as passes.
type Program struct {
	Slab            int64 // bytes
	Blank           int64 // where Align bytes lie that nothing writes, for operands that are not used
	Inputs, Outputs []Region
	Stages          []Stage
	Params          []Param
}

// Region is a range of the slab.
type Region struct{ Offset, Size int64 }

// Stage is a host node, if there is one, and then passes.
type Stage struct {
	Host   *Host
	Passes []Pass
}

// Host is a node that the processor computes: it needs little time, and more
// exactness or memory than a device has.
type Host struct {
	Op      string
	In, Out Region
	// Input is the index of the program's input that In is, or -1.
	Input   int
	Compute func(dst, src []byte) error
}

// Pass is a run of a kernel.
type Pass struct {
	Op, Weight string // of the node, for profiles and errors
	Variant    kernel.Variant
	Groups     int
	Params     []uint32 // after the offsets and the number of groups
	Args       []Arg
	FLOPs      float64
}

// Arg is an operand of a pass: a range of the slab, or a parameter.
type Arg struct {
	Param  int // index, or -1
	Region     // of the slab, or of the parameter
	Format kernel.Format
	Write  bool
}

// Param is a weight as a device holds it. It is comparable.
type Param struct {
	Weight *nn.Weight
	Kernel bool // [O,I,H,W], held as [O,H,W,I]
	Format kernel.Format
}

// Bytes returns the size of a parameter on the device.
func (p Param) Bytes() int64 { return int64(p.Format.Bytes(p.Weight.Shape.NumElements())) }
