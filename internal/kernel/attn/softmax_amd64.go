package attn

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func maxAVX2(x *float32, n int) (max float32)

//go:noescape
func expAVX2(x *float32, n int, shift, scale float32) (sum float32)

//go:noescape
func maxAVX512(x *float32, n int) (max float32)

//go:noescape
func expAVX512(x *float32, n int, shift, scale float32) (sum float32)

var softmaxes = [...]softmax{
	cpu.Generic: genericSoftmax,
	cpu.AVX2: {
		max: func(x []float32) float32 { return maxAVX2(&x[0], len(x)) },
		exp: func(x []float32, shift, scale float32) float32 { return expAVX2(&x[0], len(x), shift, scale) },
	},
	cpu.AVX512: {
		max: func(x []float32) float32 { return maxAVX512(&x[0], len(x)) },
		exp: func(x []float32, shift, scale float32) float32 { return expAVX512(&x[0], len(x), shift, scale) },
	},
}

func currentSoftmax() softmax { return softmaxes[cpu.Current()] }
