// Package tensor is a library of tensors: strided views of little-endian bytes
// with a dtype and a shape, and operations on them.
//
// A view (Slice, Narrow, Index, Permute, Transpose, Flip, Expand, Squeeze,
// Unsqueeze, Reshape) is a method and shares the memory of its tensor. An
// operation (Add, MatMul, Sum, Softmax, ...) is a function and returns a new
// contiguous tensor. Both return an error, and do not panic, if shapes, dtypes
// or arguments do not fit. Operations broadcast as NumPy does, and need
// operands of one dtype (see Convert). They run on all processors, with the
// kernels of package internal/kernel where these exist.
//
// F8E5M2, F8E4M3, F16, BF16 and F32 are computed in float32, with sums in
// float64 except in MatMul, and each result is rounded once. F64 is computed in
// float64. Integers wrap around.
//
// Elements are read with All and Values, one with At, and as a Go slice that
// shares the memory with Data; fmt prints them as NumPy does. A tensor may lie
// in a mapped file (package safetensors); a fault in reading it is an error.
// The memory is little-endian and so must be the machine.
package tensor
