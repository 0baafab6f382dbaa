package dot

import "github.com/df65613c/easel/internal/cpu"

// The loops of assembly take multiples of step numbers a row, and rows of any number.

//go:noescape
func f32AVX2(dst, query, rows *float32, n, count int)

//go:noescape
func i8AVX2(dst *float32, query, rows *int8, n, count int)

//go:noescape
func f32AVX512(dst, query, rows *float32, n, count int)

//go:noescape
func i8AVX512(dst *float32, query, rows *int8, n, count int)

// callRows bounds the rows of a call, as assembly can't be preempted.
const callRows = 64

func f32With(step int, f func(dst, query, rows *float32, n, count int)) func(dst, query, rows []float32) {
	return func(dst, query, rows []float32) {
		n := len(query)
		if n%step != 0 {
			f32Generic(dst, query, rows)
			return
		}
		for i := 0; i < len(dst); i += callRows {
			f(&dst[i], &query[0], &rows[i*n], n, min(callRows, len(dst)-i))
		}
	}
}

func i8With(step int, f func(dst *float32, query, rows *int8, n, count int)) func(dst []float32, query, rows []int8) {
	return func(dst []float32, query, rows []int8) {
		n := len(query)
		if n%step != 0 {
			i8Generic(dst, query, rows)
			return
		}
		for i := 0; i < len(dst); i += callRows {
			f(&dst[i], &query[0], &rows[i*n], n, min(callRows, len(dst)-i))
		}
	}
}

var levels = [...]products{
	cpu.Generic: generic,
	cpu.AVX2:    {f32With(32, f32AVX2), i8With(32, i8AVX2)},
	cpu.AVX512:  {f32With(64, f32AVX512), i8With(64, i8AVX512)},
}

func current() *products { return &levels[cpu.Current()] }
