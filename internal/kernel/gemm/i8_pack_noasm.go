//go:build !amd64

package gemm

// packQuadBlocks packs a leading part of a panel and returns its extent.
func (kn Kernel) packQuadBlocks(panel []float32, w Matrix, cols, k int, inverse []float32) (doneK int) {
	return 0
}
