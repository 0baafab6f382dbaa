//go:build !amd64

package gemm

// currentI8 returns the micro-kernel of 8-bit products.
func currentI8() Kernel {
	kn := Current()
	kn.form = integers
	return kn
}

func absMax(v []float32) (done int, bits uint32) { return 0, 0 }

func quantise(dst []uint8, src []float32, inverse float32) (done int) { return 0 }

func quadLines(dst, src, inverse, zero []float32) { panic(missing) }

func dequantiseInts(sums, scales, bias []float32, scale float32) { panic(missing) }
