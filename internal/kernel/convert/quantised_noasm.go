//go:build !amd64

package convert

func scaleI8Blocks(dst []float32, src []int8, scale float32) (done int) { return 0 }

func blocksI8(dst []float32, src []int8, scales []uint16) { blocksI8Generic(dst, src, scales) }

func blocksF4(dst []float32, src []uint8, scales []uint16) { blocksF4Generic(dst, src, scales) }
