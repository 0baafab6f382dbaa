package gemm

import (
	"unsafe"

	"github.com/df65613c/easel/internal/cpu"
)

var generic = Kernel{MR: 4, NR: genericNR, BlockRows: 128, MaxBlockRows: 1024, level: cpu.Generic}

const genericNR = 8

// tileGeneric is the micro-kernel in Go. The conversions to float32 keep the
// compiler from fusing the product with the sum on some architectures only.
func tileGeneric(t *Tile) {
	segs := unsafe.Slice(t.Segs, t.NSeg)
	for r := range t.Rows {
		for c := uintptr(0); c < t.Cols; c += genericNR {
			cols := min(genericNR, t.Cols-c)
			var sum [genericNR]float32
			if t.Bias != nil {
				copy(sum[:cols], floats(t.Bias, 4*c, cols))
			}
			for _, s := range segs {
				a := floats(t.A, r*t.LDA+s.A, t.K)
				b := floats(t.B, c/genericNR*t.PanelStride+s.B, t.K*genericNR)
				accumulate(&sum, a, b)
			}
			if t.Add != nil {
				for i, v := range floats(t.Add, r*t.LDAdd+4*c, cols) {
					sum[i] += v
				}
			}
			copy(floats(t.C, r*t.LDC+4*c, cols), sum[:cols])
		}
	}
}

func accumulate(sum *[genericNR]float32, a, b []float32) {
	s0, s1, s2, s3, s4, s5, s6, s7 := sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]
	for k, v := range a {
		w := (*[genericNR]float32)(b[k*genericNR:])
		s0 += float32(v * w[0])
		s1 += float32(v * w[1])
		s2 += float32(v * w[2])
		s3 += float32(v * w[3])
		s4 += float32(v * w[4])
		s5 += float32(v * w[5])
		s6 += float32(v * w[6])
		s7 += float32(v * w[7])
	}
	*sum = [genericNR]float32{s0, s1, s2, s3, s4, s5, s6, s7}
}

func floats(p unsafe.Pointer, offset, n uintptr) []float32 {
	return unsafe.Slice((*float32)(unsafe.Add(p, offset)), n)
}
