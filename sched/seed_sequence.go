package sched

// seedPool is the words that entropy is mixed into.
const seedPool = 24

// seedSequence makes n seeds of words of entropy as numpy.random.SeedSequence
// does, with a pool of seedPool words (O'Neill, Developing a seed_seq
// Alternative, 2015).
func seedSequence(entropy []uint32, n int) []uint32 {
	const (
		initA, multA = 0x43b0d7e5, 0x931e8875
		initB, multB = 0x8b51f9dd, 0x58f38ded
		mixL, mixR   = 0xca01f9dd, 0x4973f715
		shift        = 16
	)
	factor := uint32(initA)
	hash := func(v uint32) uint32 {
		v ^= factor
		factor *= multA
		v *= factor
		return v ^ v>>shift
	}
	mix := func(x, y uint32) uint32 {
		v := mixL*x - mixR*y
		return v ^ v>>shift
	}
	var pool [seedPool]uint32
	for i := range pool {
		word := uint32(0)
		if i < len(entropy) {
			word = entropy[i]
		}
		pool[i] = hash(word)
	}
	for from := range pool {
		for to := range pool {
			if from != to {
				pool[to] = mix(pool[to], hash(pool[from]))
			}
		}
	}
	for _, word := range entropy[min(len(entropy), seedPool):] {
		for to := range pool {
			pool[to] = mix(pool[to], hash(word))
		}
	}
	seeds := make([]uint32, n)
	factor = initB
	for i := range seeds {
		v := pool[i%seedPool] ^ factor
		factor *= multB
		v *= factor
		seeds[i] = v ^ v>>shift
	}
	return seeds
}

// words returns the 32-bit words of a number, the lowest first.
func words(v uint64) []uint32 {
	if v>>32 == 0 {
		return []uint32{uint32(v)}
	}
	return []uint32{uint32(v), uint32(v >> 32)}
}
