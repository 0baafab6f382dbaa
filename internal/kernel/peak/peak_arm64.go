package peak

//go:noescape
func fmaNEON(x, y uint32, n int, out *[16]uint32)

const unroll = 4 // of the loop in assembly

// Loops returns the loops for the instructions that kernels may use.
func Loops() []Loop {
	return []Loop{plain, {"neon", "F32", 4, 24 * unroll, fmaNEON, onesF32}}
}
