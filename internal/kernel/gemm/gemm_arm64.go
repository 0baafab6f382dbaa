package gemm

import (
	"math"
	"unsafe"

	"github.com/klauspost/cpuid/v2"

	"github.com/df65613c/easel/internal/cpu"
)

// sumsNEON adds products of rows of A, at most MR, and of a panel of NR columns
// to sums [rows,NR]. sumsSDOT does so with four integers of 8 bits a step, those
// of A plus 128, and sumsBFDOT with two of bfloat16.

//go:noescape
func sumsNEON(sums, a unsafe.Pointer, lda uintptr, b unsafe.Pointer, steps, rows uintptr)

//go:noescape
func sumsSDOT(sums, a unsafe.Pointer, lda uintptr, b unsafe.Pointer, steps, rows uintptr)

//go:noescape
func sumsBFDOT(sums, a unsafe.Pointer, lda uintptr, b unsafe.Pointer, steps, rows uintptr)

const (
	neonMR = 6
	neonNR = 16
)

var neon = Kernel{MR: neonMR, NR: neonNR, BlockRows: 256, MaxBlockRows: 2048, level: cpu.NEON}

// hasDot is whether the processor has the dot products of ARMv8.2.
var hasDot = cpuid.CPU.Supports(cpuid.ASIMDDP)

// Current returns the micro-kernel of the level in use.
func Current() Kernel {
	if cpu.Current() == cpu.NEON {
		return neon
	}
	return generic
}

// currentI8 returns the micro-kernel of 8-bit products in the level in use.
func currentI8() Kernel {
	kn := Current()
	kn.form = integers
	if kn.level == cpu.NEON && hasDot {
		kn.form = quads
	}
	return kn
}

// Run computes a tile.
func (kn Kernel) Run(t *Tile) {
	if kn.level == cpu.NEON {
		kn.tileNEON(t)
		return
	}
	tileGeneric(t)
}

// tileNEON computes a tile panel by panel. The calls are direct, for the sums to
// stay on the stack.
func (kn Kernel) tileNEON(t *Tile) {
	segs := unsafe.Slice(t.Segs, t.NSeg)
	for c := uintptr(0); c < t.Cols; c += neonNR {
		var sums [neonMR * neonNR]float32
		cols, panel := min(neonNR, t.Cols-c), unsafe.Add(t.B, c/neonNR*t.PanelStride)
		for r := uintptr(0); t.Bias != nil && r < t.Rows; r++ {
			copy(sums[r*neonNR:], floats(t.Bias, 4*c, cols))
		}
		for _, s := range segs {
			a, b := unsafe.Add(t.A, s.A), unsafe.Add(panel, s.B)
			switch kn.form {
			case quads:
				sumsSDOT(unsafe.Pointer(&sums), a, t.LDA, b, t.K, t.Rows)
			case pairs:
				sumsBFDOT(unsafe.Pointer(&sums), a, t.LDA, b, t.K, t.Rows)
			default:
				sumsNEON(unsafe.Pointer(&sums), a, t.LDA, b, t.K, t.Rows)
			}
		}
		for r := range t.Rows {
			row := sums[r*neonNR:][:cols]
			if t.Add != nil {
				kn.add(row, floats(t.Add, r*t.LDAdd+4*c, cols))
			}
			copy(floats(t.C, r*t.LDC+4*c, cols), row)
		}
	}
}

// add adds to sums, which are integers in kernels on quads.
func (kn Kernel) add(sums, more []float32) {
	for i, v := range more {
		if kn.form == quads {
			sums[i] = math.Float32frombits(math.Float32bits(sums[i]) + math.Float32bits(v))
		} else {
			sums[i] += v
		}
	}
}

// zeroPoint is 0, for the dot products undo the 128 in A.
const zeroPoint = 0

// quadLines quantises lines of a panel in float32 to quads. Their sums are not needed.
func (kn Kernel) quadLines(dst, src, inverse, _ []float32) {
	numbers := unsafe.Slice((*int8)(unsafe.Pointer(&dst[0])), len(src))
	for i, v := range src {
		line, c := i/kn.NR, i%kn.NR
		numbers[(line/4*kn.NR+c)*4+line%4] = int8(quantised(v, inverse[c]))
	}
}

// dequantiseTile reports that there are no loops for whole tiles.
func (kn Kernel) dequantiseTile(*integerTile, bool) bool { return false }

// dequantiseInts dequantises a leading part, here nothing, and returns its length.
func (kn Kernel) dequantiseInts(sums, scales, bias []float32, scale float32) (done int) { return 0 }
