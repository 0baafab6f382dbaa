package norm

import "github.com/df65613c/easel/internal/cpu"

//go:noescape
func columnsAVX2(sum, sq *float64, x *float32, rows, c, n int)

//go:noescape
func columnsAVX512(sum, sq *float64, x *float32, rows, c, n int)

// columns holds the moments of neighbouring columns, a strip at most. Groups
// of channels need not be whole vectors, columns always are.
type columns struct{ sum, sq [32]float64 }

// stripLen is how many columns set takes at most.
var stripLen = [...]int{cpu.AVX2: 16, cpu.AVX512: 32}

// set computes the moments of n columns of rows that are c values apart. The
// calls are direct, for columns to stay on the stack.
func (s *columns) set(level cpu.Level, x []float32, rows, c, n int) {
	switch level {
	case cpu.AVX2:
		columnsAVX2(&s.sum[0], &s.sq[0], &x[0], rows, c, n)
	case cpu.AVX512:
		columnsAVX512(&s.sum[0], &s.sq[0], &x[0], rows, c, n)
	}
}

func groupMoments(m []Moments, rows []float32, c int) {
	n, level := len(rows)/c, cpu.Current()
	if n == 0 || level == cpu.Generic {
		groupMomentsGeneric(m, rows, c)
		return
	}
	var s columns
	var sum Moments
	g, size := 0, c/len(m)
	left := size // channels of the group that are to come
	for from := 0; from < c; from += stripLen[level] {
		to := min(from+stripLen[level], c)
		s.set(level, rows[from:(n-1)*c+to], n, c, to-from)
		for i := range to - from {
			sum.add(Moments{s.sum[i], s.sq[i]})
			if left--; left == 0 {
				m[g] = sum
				g, left, sum = g+1, size, Moments{}
			}
		}
	}
}
