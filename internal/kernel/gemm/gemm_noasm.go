//go:build !amd64 && !arm64

package gemm

// packBlocks packs a leading part of a panel and returns its extent.
func (kn Kernel) packBlocks(panel []float32, w Matrix, cols int, order []uint32) (doneCols, doneK int) {
	return 0, 0
}

// transposeBlocks packs a leading part of a stretch of rows and returns its extent.
func (kn Kernel) transposeBlocks(panel, wide []float32, cols int, order []uint32) (doneCols, doneK int) {
	return 0, 0
}
