package act

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func siluAVX2(x *float32, n int)

//go:noescape
func quickGELUAVX2(x *float32, n int)

//go:noescape
func geluAVX2(x *float32, n int)

//go:noescape
func geluTanhAVX2(x *float32, n int)

//go:noescape
func gegluAVX2(dst, a, b *float32, n int)

//go:noescape
func siluAVX512(x *float32, n int)

//go:noescape
func quickGELUAVX512(x *float32, n int)

//go:noescape
func geluAVX512(x *float32, n int)

//go:noescape
func geluTanhAVX512(x *float32, n int)

//go:noescape
func gegluAVX512(dst, a, b *float32, n int)

var levels = [...]activations{
	cpu.Generic: generic,
	cpu.AVX2: {
		silu:      func(x []float32) { siluAVX2(&x[0], len(x)) },
		quickGELU: func(x []float32) { quickGELUAVX2(&x[0], len(x)) },
		gelu:      func(x []float32) { geluAVX2(&x[0], len(x)) },
		geluTanh:  func(x []float32) { geluTanhAVX2(&x[0], len(x)) },
		geglu:     func(dst, a, b []float32) { gegluAVX2(&dst[0], &a[0], &b[0], len(dst)) },
	},
	cpu.AVX512: {
		silu:      func(x []float32) { siluAVX512(&x[0], len(x)) },
		quickGELU: func(x []float32) { quickGELUAVX512(&x[0], len(x)) },
		gelu:      func(x []float32) { geluAVX512(&x[0], len(x)) },
		geluTanh:  func(x []float32) { geluTanhAVX512(&x[0], len(x)) },
		geglu:     func(dst, a, b []float32) { gegluAVX512(&dst[0], &a[0], &b[0], len(dst)) },
	},
}

func current() *activations { return &levels[cpu.Current()] }
