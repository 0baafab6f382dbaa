package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

//go:noescape
func tileAVX2(t *Tile)

//go:noescape
func tileAVX512(t *Tile)

var kernels = [...]Kernel{
	cpu.Generic: generic,
	cpu.AVX2:    {MR: 6, NR: 16, BlockRows: 512, MaxBlockRows: 4096, level: cpu.AVX2},
	cpu.AVX512:  {MR: 12, NR: 32, BlockRows: 512, MaxBlockRows: 4096, level: cpu.AVX512},
}

// Current returns the micro-kernel of the level in use.
func Current() Kernel { return kernels[cpu.Current()] }

// Run computes a tile. The calls are direct, for the tile to stay on the stack.
func (kn Kernel) Run(t *Tile) {
	switch {
	case t.Weight.Data != nil:
		t.runDirect()
	case kn.form == pairs:
		tileBF16AVX512(t)
	case kn.form == quads && kn.level == cpu.AVX512:
		tileI8AVX512(t)
	case kn.form == quads:
		tileI8AVX2(t)
	case kn.level == cpu.AVX512:
		tileAVX512(t)
	case kn.level == cpu.AVX2:
		tileAVX2(t)
	default:
		tileGeneric(t)
	}
}

// packer transposes square blocks of a weight into a panel:
//
//	for k := range blocks * size {
//		for c := range size {
//			dst[order[k]*NR+c] = src[c][k] // rows of src are stride bytes apart
//		}
//	}
type packer struct {
	size int
	pack [3]packFunc // by format
}

type packFunc func(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packF32AVX2(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packF16AVX2(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packBF16AVX2(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packF32AVX512(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packF16AVX512(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

//go:noescape
func packBF16AVX512(src unsafe.Pointer, stride uintptr, dst unsafe.Pointer, order *uint32, blocks uintptr)

var packers = [...]packer{
	cpu.Generic: {},
	cpu.AVX2:    {8, [...]packFunc{convert.F32: packF32AVX2, convert.F16: packF16AVX2, convert.BF16: packBF16AVX2}},
	cpu.AVX512:  {16, [...]packFunc{convert.F32: packF32AVX512, convert.F16: packF16AVX512, convert.BF16: packBF16AVX512}},
}

// packBlocks packs a leading part of a panel, in which rows of w are adjacent
// values, and returns its extent.
func (kn Kernel) packBlocks(panel []float32, w Matrix, cols int, order []uint32) (doneCols, doneK int) {
	p := &packers[kn.level]
	if p.size == 0 || cols < p.size || len(order) < p.size {
		return 0, 0
	}
	doneCols, doneK = cols/p.size*p.size, len(order)/p.size*p.size
	stride := uintptr(w.RowStride * w.Format.Size())
	for c := 0; c < doneCols; c += p.size {
		p.pack[w.Format](w.at(c, 0).Data, stride, unsafe.Pointer(&panel[c]), &order[0], uintptr(doneK/p.size))
	}
	return doneCols, doneK
}

// transposeBlocks packs a leading part of a stretch of rows in float32 and
// returns its extent. The calls are direct, for the stretch to stay on the stack.
func (kn Kernel) transposeBlocks(panel, wide []float32, cols int, order []uint32) (doneCols, doneK int) {
	size := packers[kn.level].size
	if size == 0 || cols < size || len(order) < size {
		return 0, 0
	}
	doneCols, doneK = cols/size*size, len(order)/size*size
	for c := 0; c < doneCols; c += size {
		src, dst, blocks := unsafe.Pointer(&wide[c*stretch]), unsafe.Pointer(&panel[c]), uintptr(doneK/size)
		if kn.level == cpu.AVX512 {
			packF32AVX512(src, bytes(stretch), dst, &order[0], blocks)
		} else {
			packF32AVX2(src, bytes(stretch), dst, &order[0], blocks)
		}
	}
	return doneCols, doneK
}
