//go:build !amd64 && !arm64

package norm

func current() *kernels { return &generic }

func groupMoments(m []Moments, rows []float32, c int) { groupMomentsGeneric(m, rows, c) }
