package sched

import (
	"math"
	"math/rand/v2"
)

// TorchNoise draws the numbers of torch.randn in float32 from a generator on
// the CPU: a Mersenne Twister and the Box-Muller transform, up to one unit in
// the last place, by which torch's vector logarithm, sine and cosine differ.
// Calls of fewer than 16 numbers are transformed one by one in float64, with a
// spare that the next such call takes first.
type TorchNoise struct {
	mt       [mtSize]uint32
	index    int
	spare    float64
	hasSpare bool
}

// mtSize is the state of MT19937 (Matsumoto and Nishimura 1998).
const mtSize = 624

// NewTorchNoise returns the generator after torch.Generator().manual_seed(seed),
// which takes the low 32 bits of the seed.
func NewTorchNoise(seed int64) *TorchNoise {
	n := &TorchNoise{index: mtSize}
	n.mt[0] = uint32(seed)
	for i := 1; i < len(n.mt); i++ {
		n.mt[i] = 1812433253*(n.mt[i-1]^n.mt[i-1]>>30) + uint32(i)
	}
	return n
}

func (n *TorchNoise) next() uint32 {
	if n.index == mtSize {
		n.twist()
	}
	y := n.mt[n.index]
	n.index++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (n *TorchNoise) twist() {
	for i := range n.mt {
		y := n.mt[i]&0x80000000 | n.mt[(i+1)%mtSize]&0x7fffffff
		v := n.mt[(i+397)%mtSize] ^ y>>1
		if y&1 != 0 {
			v ^= 0x9908b0df
		}
		n.mt[i] = v
	}
	n.index = 0
}

// block is how many numbers torch transforms at once.
const block = 16

// Normal fills dst as torch.randn fills a tensor of float32.
func (n *TorchNoise) Normal(dst []float32) {
	if len(dst) < block {
		for i := range dst {
			dst[i] = float32(n.scalar())
		}
		return
	}
	for i := range dst {
		dst[i] = n.uniform24()
	}
	for i := 0; i+block <= len(dst); i += block {
		boxMuller(dst[i : i+block])
	}
	if len(dst)%block != 0 {
		tail := dst[len(dst)-block:]
		for i := range tail {
			tail[i] = n.uniform24()
		}
		boxMuller(tail)
	}
}

func (n *TorchNoise) uniform24() float32 { return float32(n.next()&0xffffff) * (1.0 / (1 << 24)) }

func boxMuller(d []float32) {
	for j := range block / 2 {
		u1, u2 := 1-d[j], d[j+block/2]
		radius := float32(math.Sqrt(float64(float32(-2 * float32(math.Log(float64(u1)))))))
		theta := float32(2*math.Pi) * u2
		sin, cos := math.Sincos(float64(theta))
		d[j] = radius * float32(cos)
		d[j+block/2] = radius * float32(sin)
	}
}

func (n *TorchNoise) uniform53() float64 {
	hi, lo := uint64(n.next()), uint64(n.next())
	return float64((hi<<32|lo)&(1<<53-1)) * (1.0 / (1 << 53))
}

func (n *TorchNoise) scalar() float64 {
	if n.hasSpare {
		n.hasSpare = false
		return n.spare
	}
	u1 := n.uniform53()
	u2 := n.uniform53()
	r := math.Sqrt(-2 * math.Log1p(-u2))
	theta := 2 * math.Pi * u1
	sin, cos := math.Sincos(theta)
	n.spare, n.hasSpare = r*sin, true
	return r * cos
}

// RandomSeed draws a seed that is short enough to write down.
func RandomSeed() int64 { return int64(rand.Uint32()) }
