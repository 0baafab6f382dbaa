package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/df65613c/easel/internal/kernel/convert"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// fourBit shows the tensors that bitsandbytes stores in 4 bits, each with its factors,
// table and description beside it, as tensors in blocks. These are put together in memory
// when they are first read.
type fourBit struct {
	Source
	tensors map[string]*blocks
	names   []string
}

// blocks is one of these tensors.
type blocks struct {
	info safetensors.Info
	make func() (*tensor.Tensor, error)
	err  error // of its description
}

// fourBitState is how bitsandbytes describes a tensor.
type fourBitState struct {
	Type         string  `json:"quant_type"`
	BlockSize    int     `json:"blocksize"`
	Shape        []int   `json:"shape"`
	NestedSize   int     `json:"nested_blocksize"`
	NestedOffset float32 `json:"nested_offset"`
}

const stateSuffix = ".quant_state.bitsandbytes__"

// besides are the endings of the tensors beside one in 4 bits.
var besides = []string{".absmax", ".quant_map", ".nested_absmax", ".nested_quant_map"}

// unpacked returns a source whose tensors in 4 bits of bitsandbytes are in blocks.
func unpacked(f Source) Source {
	four := &fourBit{Source: f, tensors: make(map[string]*blocks)}
	hidden := make(map[string]bool)
	for _, name := range f.Names() {
		key, kind, ok := strings.Cut(name, stateSuffix)
		if !ok {
			continue
		}
		four.tensors[key] = four.describe(key, name, kind)
		hidden[name] = true
		for _, suffix := range besides {
			hidden[key+suffix] = true
		}
	}
	if len(hidden) == 0 {
		return f
	}
	four.names = slices.DeleteFunc(f.Names(), func(name string) bool { return hidden[name] })
	return four
}

func (f *fourBit) Names() []string { return f.names }

func (f *fourBit) Info(name string) (safetensors.Info, bool) {
	if b := f.tensors[name]; b != nil && b.err == nil {
		return b.info, true
	}
	return f.Source.Info(name)
}

func (f *fourBit) Mapped(name string) bool { return f.tensors[name] == nil && f.Source.Mapped(name) }

func (f *fourBit) Tensor(name string) (*tensor.Tensor, error) {
	b := f.tensors[name]
	switch {
	case b == nil:
		return f.Source.Tensor(name)
	case b.err != nil:
		return nil, b.err
	}
	return b.make()
}

// fault returns what is wrong with the description of a tensor.
func (f *fourBit) fault(name string) error {
	if b := f.tensors[name]; b != nil {
		return b.err
	}
	return nil
}

// describe reads the description of a tensor, and checks what lies beside it.
func (f *fourBit) describe(key, stateKey, kind string) *blocks {
	fault := func(format string, args ...any) *blocks {
		return &blocks{err: fmt.Errorf("bitsandbytes' 4 bits: %w", fmt.Errorf(format, args...))}
	}
	dt, err := tensor.ParseDType(strings.ToUpper(kind))
	if err != nil || dt != tensor.NF4 && dt != tensor.FP4 {
		return fault("%s: unknown type %q, want nf4 or fp4", stateKey, kind)
	}
	text, err := f.numbers(stateKey, tensor.U8, -1)
	if err != nil {
		return fault("%w", err)
	}
	var state fourBitState
	if err := json.Unmarshal(text.Bytes(), &state); err != nil {
		return fault("%s: %w", stateKey, err)
	}
	each, size := dt.Block()
	shape := tensor.Shape(state.Shape)
	switch {
	case len(shape) != 2 || shape.Check() != nil:
		return fault("%s: shape %v, want that of a matrix", stateKey, state.Shape)
	case state.BlockSize < each || state.BlockSize%each != 0:
		return fault("%s: a factor for %d numbers, want a multiple of %d", stateKey, state.BlockSize, each)
	case shape.NumElements()%each != 0:
		return fault("%s: %d numbers are no whole blocks of %d", stateKey, shape.NumElements(), each)
	}
	n := shape.NumElements()
	if codes, ok := f.Source.Info(key); !ok || codes.DType != tensor.U8 || codes.Shape.NumElements() != n/2 {
		return fault("%s is %s%v, want %d bytes", key, codes.DType, codes.Shape, n/2)
	}
	b := &blocks{info: safetensors.Info{DType: dt, Shape: shape, Size: int64(n / each * size)}}
	b.make = sync.OnceValues(func() (*tensor.Tensor, error) { return f.pack(key, dt, shape, &state) })
	return b
}

// pack puts the blocks of a tensor together.
func (f *fourBit) pack(key string, dt tensor.DType, shape tensor.Shape, s *fourBitState) (*tensor.Tensor, error) {
	codes, err := f.Source.Tensor(key)
	if err != nil {
		return nil, err
	}
	each, size := dt.Block()
	n := shape.NumElements()
	factors, err := f.factors(key, (n+s.BlockSize-1)/s.BlockSize, s)
	if err != nil {
		return nil, fmt.Errorf("bitsandbytes' 4 bits: %w", err)
	}
	table, err := f.numbers(key+".quant_map", tensor.F32, 16)
	if err != nil {
		return nil, fmt.Errorf("bitsandbytes' 4 bits: %w", err)
	}
	format, _ := convert.Named(dt.String())
	if known := convert.Table(format); !slices.Equal(table.Float32s(), known[:]) {
		return nil, fmt.Errorf("%s.quant_map: a table of its own, want that of %s", key, dt)
	}
	t := tensor.New(dt, shape...)
	to, from := t.Bytes(), codes.Bytes()
	for i := 0; i < n; i += each {
		binary.LittleEndian.PutUint32(to, math.Float32bits(factors[i/s.BlockSize]))
		copy(to[4:size], from[:each/2])
		to, from = to[size:], from[each/2:]
	}
	return t, nil
}

// factors returns those of n blocks, which may be 8-bit codes themselves, with factors of their own.
func (f *fourBit) factors(key string, n int, s *fourBitState) ([]float32, error) {
	if _, nested := f.Source.Info(key + ".nested_absmax"); !nested {
		t, err := f.numbers(key+".absmax", tensor.F32, n)
		if err != nil {
			return nil, err
		}
		return t.Float32s(), nil
	}
	if s.NestedSize < 1 {
		return nil, fmt.Errorf("%s: nested_blocksize %d, want 1 or more", key, s.NestedSize)
	}
	codes, err := f.numbers(key+".absmax", tensor.U8, n)
	if err != nil {
		return nil, err
	}
	outer, err := f.numbers(key+".nested_absmax", tensor.F32, (n+s.NestedSize-1)/s.NestedSize)
	if err != nil {
		return nil, err
	}
	table, err := f.numbers(key+".nested_quant_map", tensor.F32, 256)
	if err != nil {
		return nil, err
	}
	factors := make([]float32, n)
	for i, c := range codes.Bytes() {
		factors[i] = float32(table.Float32s()[c]*outer.Float32s()[i/s.NestedSize]) + s.NestedOffset
	}
	return factors, nil
}

// numbers returns a tensor of a type and a number of elements; -1 is any.
func (f *fourBit) numbers(name string, dt tensor.DType, n int) (*tensor.Tensor, error) {
	const most = 1 << 16 // bytes of a description
	info, ok := f.Source.Info(name)
	switch {
	case !ok:
		return nil, fmt.Errorf("there is no tensor %s", name)
	case info.DType != dt, n >= 0 && info.Shape.NumElements() != n, n < 0 && info.Size > most:
		return nil, fmt.Errorf("%s is %s%v, want %s[%d]", name, info.DType, info.Shape, dt, n)
	}
	return f.Source.Tensor(name)
}
