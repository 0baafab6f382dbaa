//go:build !amd64 && !arm64

package gemm

// Current returns the micro-kernel of the level in use.
func Current() Kernel { return generic }

// Run computes a tile.
func (kn Kernel) Run(t *Tile) { tileGeneric(t) }
