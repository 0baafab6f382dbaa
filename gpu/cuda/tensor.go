package cuda

import (
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/run"
)

// cores returns the compute capability that the code for tensor cores is for, or 0.
func (d *driver) cores() int {
	switch {
	case d.capability >= 80:
		return 80
	case d.capability >= 75:
		return 75
	}
	return 0
}

// stages are the steps of a product that are in shared memory at a time. Before Ampere
// nothing is copied there while others compute.
var stages = map[int]int{75: 2, 80: 4}

// tile is what a block of threads makes of a product; the code of each is compiled with
// the same numbers.
type tile struct {
	m, n, threads int
	cost          float64 // of an element, relative to the first
}

// tiles: widths of the UNet are multiples of 160, those of the VAE of 64. The costs are
// guesses: no device was measured.
var tiles = []tile{{128, 160, 256, 1}, {64, 64, 128, 1.4}}

// of returns how many tiles a product of M x N is.
func (t tile) of(m, n int) int { return (m + t.m - 1) / t.m * ((n + t.n - 1) / t.n) }

// tileFor returns the tile by which a product takes the least time.
func (d *driver) tileFor(m, n int) tile {
	best, least := tiles[0], 0.0
	for i, t := range tiles {
		turns := (t.of(m, n) + d.processors - 1) / d.processors
		if took := float64(turns*t.m*t.n) * t.cost; i == 0 || took < least {
			best, least = t, took
		}
	}
	return best
}

// Parameters of kernel.Gemm, after six offsets and the number of groups.
const (
	paramM = 7 + iota
	paramN
	paramK
	_
	paramC // of Conv
)

// tensorProduct reports whether the code for tensor cores makes a pass: it reads eight
// channels at once and writes two.
func tensorProduct(p *run.Dispatch) bool {
	spec, q := p.Variant.Spec, p.Params
	const x, w, residual, y = 0, 1, 4, 5
	channels, whole := q[paramK], uint32(8)
	switch spec[0] {
	case kernel.Conv:
		channels = q[paramC]
	case kernel.Batched:
		return false
	}
	if kernel.Format(spec[1]) == kernel.F32 {
		if spec[6]&kernel.MayRound == 0 {
			return false
		}
		whole = 4
	}
	return kernel.Format(spec[2]) == kernel.F16 && channels%8 == 0 && q[paramN]%2 == 0 && (spec[5] == 0 || q[paramN]%4 == 0) &&
		q[x]%whole == 0 && q[w]%8 == 0 && q[residual]%2 == 0 && q[y]%2 == 0
}
