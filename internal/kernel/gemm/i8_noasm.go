//go:build !amd64 && !arm64

package gemm

// currentI8 returns the micro-kernel of 8-bit products.
func currentI8() Kernel {
	kn := Current()
	kn.form = integers
	return kn
}

const zeroPoint = 0

func (kn Kernel) quadLines(dst, src, inverse, sums []float32) { panic(missing) }

func (kn Kernel) dequantiseTile(*integerTile, bool) bool { return false }

func (kn Kernel) dequantiseInts(sums, scales, bias []float32, scale float32) (done int) {
	panic(missing)
}
