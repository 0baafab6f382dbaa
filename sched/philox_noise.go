package sched

import "math"

// PhiloxNoise draws the numbers of torch.randn in float32 from a generator on a
// CUDA device: Philox 4x32-10 (Salmon et al. 2011) with the sine half of the
// Box-Muller transform. Each call advances the counter by one.
type PhiloxNoise struct {
	key    [2]uint32
	offset uint32
}

// NewPhiloxNoise returns the generator after torch.cuda.manual_seed(seed).
func NewPhiloxNoise(seed int64) *PhiloxNoise {
	return &PhiloxNoise{key: [2]uint32{uint32(seed), uint32(uint64(seed) >> 32)}}
}

// Normal fills dst as torch.randn fills a tensor of float32.
func (n *PhiloxNoise) Normal(dst []float32) {
	for i := range dst {
		r := philox([4]uint32{n.offset, 0, uint32(i), 0}, n.key)
		// curand's transform: both uniforms are centred in their cells.
		const cell = 1.0 / (1 << 32)
		u := float32(r[0])*float32(cell) + float32(cell/2)
		v := float32(r[1])*float32(2*math.Pi*cell) + float32(math.Pi*cell)
		radius := float32(math.Sqrt(-2 * float64(float32(math.Log(float64(u))))))
		dst[i] = radius * float32(math.Sin(float64(v)))
	}
	n.offset++
}

// philox is the block function: ten rounds over a counter.
func philox(c [4]uint32, k [2]uint32) [4]uint32 {
	const m0, m1 = 0xd2511f53, 0xcd9e8d57
	const w0, w1 = 0x9e3779b9, 0xbb67ae85
	for range 10 {
		p0, p1 := uint64(c[0])*m0, uint64(c[2])*m1
		c = [4]uint32{uint32(p1>>32) ^ c[1] ^ k[0], uint32(p1), uint32(p0>>32) ^ c[3] ^ k[1], uint32(p0)}
		k[0] += w0
		k[1] += w1
	}
	return c
}
