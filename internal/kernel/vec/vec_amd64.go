package vec

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func addAVX2(dst, a, b *float32, n int)

//go:noescape
func mulAVX2(dst, a, b *float32, n int)

//go:noescape
func affineAVX2(dst, x *float32, n int, scale, shift float32)

//go:noescape
func addAVX512(dst, a, b *float32, n int)

//go:noescape
func mulAVX512(dst, a, b *float32, n int)

//go:noescape
func affineAVX512(dst, x *float32, n int, scale, shift float32)

var levels = [...]passes{
	cpu.Generic: generic,
	cpu.AVX2: {
		add:    func(dst, a, b []float32) { addAVX2(&dst[0], &a[0], &b[0], len(dst)) },
		mul:    func(dst, a, b []float32) { mulAVX2(&dst[0], &a[0], &b[0], len(dst)) },
		affine: func(dst, x []float32, scale, shift float32) { affineAVX2(&dst[0], &x[0], len(dst), scale, shift) },
	},
	cpu.AVX512: {
		add:    func(dst, a, b []float32) { addAVX512(&dst[0], &a[0], &b[0], len(dst)) },
		mul:    func(dst, a, b []float32) { mulAVX512(&dst[0], &a[0], &b[0], len(dst)) },
		affine: func(dst, x []float32, scale, shift float32) { affineAVX512(&dst[0], &x[0], len(dst), scale, shift) },
	},
}

func current() *passes { return &levels[cpu.Current()] }
