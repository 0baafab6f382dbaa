//go:build !amd64

package gemm

// takesDirect reports whether the kernel can take blocks of w as they are.
func (kn Kernel) takesDirect(Matrix, int, int, int) bool { return false }
