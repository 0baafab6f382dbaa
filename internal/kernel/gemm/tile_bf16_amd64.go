package gemm

//go:noescape
func tileBF16AVX512(t *Tile)

// TileBF16 is the micro-kernel of [cpu.AVX512] on bfloat16, for processors of
// which [cpu.BF16] holds. A and the panels are pairs of values: K counts pairs,
// and a line of a panel is the pairs of NR columns. An element of C is a float32
// sum; subnormal numbers count as 0.
func TileBF16(t *Tile) { tileBF16AVX512(t) }
