//go:build !amd64

package gemm

// TileBF16 is the micro-kernel on bfloat16, of which there is none here.
func TileBF16(*Tile) { panic("gemm: no kernel for bfloat16 on this architecture") }
