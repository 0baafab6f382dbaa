// Package kernel holds the kernels of the GPU backend: what each computes as a
// plain Go function, its contract, and its code for devices.
//
// A kernel has a fixed number of bindings, ranges of memory that it reads or
// writes as 32-bit words, and parameters of 32 bits. The first parameters are the
// offsets of the operands in their bindings, in elements of the operand; then the
// number of work groups; then what the kernel's comment lists.
package kernel

import (
	"fmt"
	"math"

	"github.com/df65613c/easel/internal/kernel/convert"
)

// ID names a kernel.
type ID uint8

const (
	Gemm ID = iota
	Softmax
	LayerNorm
	Moments
	Scale
	Norm
	Map
	Move
	ColumnSums
	TokenRow
	Frequencies
	Filter
	Attention // not all drivers have it: see pass.Limits
	count
)

type kernel struct {
	name     string
	bindings int
	params   int // after offsets and groups
	run      func(c *call)
}

var kernels = [count]kernel{
	Gemm:        {"gemm", 6, 17, gemm},
	Softmax:     {"softmax", 1, 4, softmax},
	LayerNorm:   {"layernorm", 4, 2, layerNorm},
	Moments:     {"moments", 2, 5, moments},
	Scale:       {"scale", 4, 4, scale},
	Norm:        {"norm", 3, 3, norm},
	Map:         {"map", 3, 5, elementwise},
	Move:        {"move", 2, 19, move},
	ColumnSums:  {"columnsums", 2, 5, columnSums},
	TokenRow:    {"tokenrow", 3, 4, tokenRow},
	Frequencies: {"frequencies", 3, 4, frequencies},
	Filter:      {"filter", 4, 5, filter},
	Attention:   {"attention", 4, 6, attention},
}

func (id ID) String() string { return kernels[id].name }

// Bindings returns how many bindings the kernel has.
func (id ID) Bindings() int { return kernels[id].bindings }

// Words returns how many 32-bit parameters the kernel has in all.
func (id ID) Words() int { return kernels[id].bindings + 1 + kernels[id].params }

// Threads is how many a work group has, and how many numbers a group of Map, Norm, Move and
// the like makes; pairs of numbers where halves are written.
const Threads = 128

// Specs is how many constants a variant has.
const Specs = 8

// Variant is a kernel with its constants.
type Variant struct {
	Kernel ID
	Spec   [Specs]uint32
}

func (v Variant) String() string { return fmt.Sprintf("%s%v", v.Kernel, v.Spec) }

// Format is how the elements of an operand are stored.
type Format uint32

const (
	F32 Format = iota // or 32-bit integers, where a kernel only moves them
	F16               // halves in pairs: rows that are written so have an even length
)

// Bytes returns the size of n elements, filled up to whole words.
func (f Format) Bytes(n int) int {
	if f == F16 {
		return (2*n + 3) &^ 3
	}
	return 4 * n
}

// Activation numbers are those of nn.Activation.
const (
	identity = iota
	silu
	gelu
	quickGELU
	geluTanh
)

func activate(a uint32, x float64) float64 {
	switch a {
	case silu:
		return x / (1 + math.Exp(-x))
	case gelu:
		return 0.5 * x * math.Erfc(-x/math.Sqrt2)
	case quickGELU:
		return x / (1 + math.Exp(-1.702*x))
	case geluTanh:
		return x / (1 + math.Exp(-math.Sqrt(8/math.Pi)*(x+0.044715*x*x*x)))
	}
	return x
}

// Run computes what a variant means, with plain loops: the contract of its code
// for devices. It panics if the kernel reaches outside its bindings.
func Run(v Variant, params []uint32, bindings [][]byte) {
	k := &kernels[v.Kernel]
	if len(params) != v.Kernel.Words() || len(bindings) != k.bindings {
		panic(fmt.Sprintf("kernel %s: %d parameters and %d bindings, want %d and %d", v, len(params), len(bindings),
			v.Kernel.Words(), k.bindings))
	}
	k.run(&call{spec: v.Spec[:], offsets: params[:k.bindings], groups: int(params[k.bindings]),
		p: params[k.bindings+1:], bindings: bindings})
}

// call is a run of a kernel.
type call struct {
	spec, offsets, p []uint32
	groups           int
	bindings         [][]byte
}

// at returns the operand of a binding.
func (c *call) at(i int, f Format) operand {
	return operand{c.bindings[i], f, int(c.offsets[i])}
}

// n returns a parameter as a number.
func (c *call) n(i int) int { return int(int32(c.p[i])) }

func (c *call) float(i int) float64 { return float64(math.Float32frombits(c.p[i])) }

// operand is the elements of a binding from an offset on.
type operand struct {
	data   []byte
	format Format
	offset int
}

func (o operand) get(i int) float64 {
	if o.format == F16 {
		return float64(convert.F16ToF32(o.half(i)))
	}
	return float64(math.Float32frombits(o.word(i)))
}

func (o operand) set(i int, v float64) {
	if o.format == F16 {
		at := 2 * (o.offset + i)
		h := convert.F32ToF16(float32(v))
		o.data[at], o.data[at+1] = byte(h), byte(h>>8)
		return
	}
	o.setWord(i, math.Float32bits(float32(v)))
}

func (o operand) half(i int) uint16 {
	at := 2 * (o.offset + i)
	return uint16(o.data[at]) | uint16(o.data[at+1])<<8
}

func (o operand) word(i int) uint32 {
	b := o.data[4*(o.offset+i):][:4]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func (o operand) setWord(i int, w uint32) {
	b := o.data[4*(o.offset+i):][:4]
	b[0], b[1], b[2], b[3] = byte(w), byte(w>>8), byte(w>>16), byte(w>>24)
}

// all returns the elements from the offset to the end of the binding.
func (o operand) all() []float32 {
	size := 4
	if o.format == F16 {
		size = 2
	}
	v := make([]float32, len(o.data)/size-o.offset)
	for i := range v {
		v[i] = float32(o.get(i))
	}
	return v
}

// dot is the sum of products of n numbers, which lie steps apart.
func dot(a, b []float32, n, stepA, stepB int) (sum float64) {
	for i := range n {
		sum += float64(a[i*stepA]) * float64(b[i*stepB])
	}
	return sum
}
