package gemm

import "unsafe"

//go:noescape
func narrowRowsAVX512(dst unsafe.Pointer, dstStride uintptr, src unsafe.Pointer, srcStride uintptr, rows, cols uintptr)

//go:noescape
func widenRowsAVX512(dst unsafe.Pointer, dstStride uintptr, src unsafe.Pointer, srcStride uintptr, rows, cols uintptr)

func narrowRows(dst grid[uint16], src grid[float32], rows, cols int) {
	narrowRowsAVX512(unsafe.Pointer(&dst.data[0]), bytes(dst.stride)/2, unsafe.Pointer(&src.data[0]), bytes(src.stride),
		uintptr(rows), uintptr(cols))
}

func widenRows(dst grid[float32], src grid[uint16], rows, cols int) {
	widenRowsAVX512(unsafe.Pointer(&dst.data[0]), bytes(dst.stride), unsafe.Pointer(&src.data[0]), bytes(src.stride)/2,
		uintptr(rows), uintptr(cols))
}
