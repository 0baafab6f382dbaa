//go:build !amd64 && !arm64

package gemm

const missing = "gemm: no kernels for pairs of bfloat16 on this architecture"

// TileBF16 is the micro-kernel on bfloat16. This architecture has none.
func TileBF16(*Tile) { panic(missing) }

func (kn Kernel) packPairBlocks(panel []float32, w Matrix, cols, k int) (doneK int) { panic(missing) }

func (kn Kernel) packPairsByRow(panel []float32, w Matrix, n, cols, k0, k1 int) (doneK int) {
	panic(missing)
}

func pairLines(dst, src []float32) { panic(missing) }

func narrowRows(dst grid[uint16], src grid[float32], rows, cols int) { panic(missing) }

func widenRows(dst grid[float32], src grid[uint16], rows, cols int) { panic(missing) }
