package cuda_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/gpu/cuda/internal/fake"
	"github.com/df65613c/easel/gpu/internal/kernel"
	"github.com/df65613c/easel/gpu/internal/pass"
	"github.com/df65613c/easel/gpu/internal/run"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// random returns a buffer of n numbers in front of which lie some that are no one's.
func (w *twin) random(t *testing.T, n int, f kernel.Format, seed uint64) run.Range {
	size := (int64(f.Bytes(n)) + 3) &^ 3
	b, err := w.Alloc(pass.Align+size, run.Device)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(seed, 7))
	data := w.Host(b)[pass.Align:]
	for i := range n {
		v := float32(r.NormFloat64())
		if f == kernel.F16 {
			binary.LittleEndian.PutUint16(data[2*i:], convert.F32ToF16(v))
		} else {
			binary.LittleEndian.PutUint32(data[4*i:], math.Float32bits(v))
		}
	}
	return run.Range{Buffer: b, Offset: pass.Align, Size: size}
}

func (w *twin) run(t *testing.T, v kernel.Variant, groups int, bindings []run.Range, params ...uint32) error {
	all := make([]uint32, len(bindings), v.Kernel.Words())
	all = append(append(all, uint32(groups)), params...)
	all = append(all, make([]uint32, v.Kernel.Words()-len(all))...)
	_, err := w.Submit(commands{{Barrier: true, Dispatch: &run.Dispatch{Variant: v, Groups: groups, Params: all, Bindings: bindings}}})
	return err
}

func ceil(a, b int) int { return (a + b - 1) / b }

// product is a case of Gemm.
type product struct {
	name           string
	m, n           int
	k              int // of rows
	c, h, w        int // of images; 0 are rows
	kernel, stride int
	factor, pad    int
	images         int
	x, y           kernel.Format
	flags, act     uint32
	gated          bool
}

// products reach each tile of the code for tensor cores: with one processor, the least
// number of padded elements.
var products = []product{
	{name: "128x160", m: 100, n: 160, k: 72, x: kernel.F16, flags: kernel.WithBias | kernel.WithResidual},
	{name: "odd tile", m: 100, n: 122, k: 40, x: kernel.F16, y: kernel.F16, flags: kernel.WithBias | kernel.WithResidual | kernel.ResidualF16, act: 1},
	{name: "64x64", m: 70, n: 62, k: 200, x: kernel.F16, act: 2},
	{name: "floats", m: 33, n: 64, k: 104, act: 3, y: kernel.F16},
	{name: "gated", m: 50, n: 60, k: 64, x: kernel.F16, y: kernel.F16, flags: kernel.WithBias, gated: true},
	{name: "gated floats", m: 5, n: 36, k: 8, gated: true},
	{name: "one row", m: 1, n: 10, k: 16, act: 4},
	{name: "image", c: 40, h: 5, w: 7, images: 2, n: 34, kernel: 3, stride: 1, factor: 1, pad: 1, x: kernel.F16, flags: kernel.WithBias | kernel.WithChannelBias | kernel.WithResidual},
	{name: "image by 2", c: 32, h: 7, w: 6, images: 1, n: 8, kernel: 3, stride: 2, factor: 1, pad: 1},
	{name: "doubled image", c: 8, h: 4, w: 5, images: 2, n: 24, kernel: 3, stride: 1, factor: 2, pad: 1},
	{name: "1x1", c: 16, h: 3, w: 3, images: 2, n: 20, kernel: 1, stride: 1, factor: 1, x: kernel.F16},
	{name: "pixels over taps", c: 24, h: 4, w: 4, images: 1, n: 12, kernel: 3, stride: 1, factor: 1, pad: 2, x: kernel.F16},
}

func (p product) run(t *testing.T, w *twin) error {
	v := kernel.Variant{Kernel: kernel.Gemm, Spec: [kernel.Specs]uint32{kernel.Linear, uint32(p.x), uint32(kernel.F16), uint32(p.y), p.act, 0, p.flags | kernel.MayRound}}
	m, k, xs, ys := p.m, p.k, p.m*p.k, p.m*p.n
	tiles := ceil(p.n, kernel.TileN)
	params := []uint32{uint32(m), uint32(p.n), uint32(k), uint32(tiles)}
	if p.gated {
		v.Spec[5] = 1
		ys /= 2
	}
	if p.c > 0 {
		oh, ow := (p.h*p.factor+2*p.pad-p.kernel)/p.stride+1, (p.w*p.factor+2*p.pad-p.kernel)/p.stride+1
		m, k, xs = p.images*oh*ow, p.kernel*p.kernel*p.c, p.images*p.h*p.w*p.c
		ys = m * p.n
		v.Spec[0], v.Spec[7] = kernel.Conv, kernel.Taps(p.kernel, p.kernel, p.stride, p.factor)
		params = []uint32{uint32(m), uint32(p.n), uint32(k), uint32(tiles), uint32(p.c), uint32(p.h), uint32(p.w), uint32(oh), uint32(ow), uint32(p.pad), uint32(p.pad)}
	}
	residual := kernel.F32
	if p.flags&kernel.ResidualF16 != 0 {
		residual = kernel.F16
	}
	bindings := []run.Range{
		w.random(t, xs, p.x, 1), w.random(t, p.n*k, kernel.F16, 2), w.random(t, p.n, kernel.F32, 3),
		w.random(t, max(1, p.images)*p.n, kernel.F32, 4), w.random(t, ys, residual, 5), w.random(t, ys, p.y, 6),
	}
	return w.run(t, v, ceil(m, kernel.TileM)*tiles, bindings, params...)
}

func TestProductsByTensorCores(t *testing.T) {
	for _, capability := range []int{75, 80} {
		t.Run(strconv.Itoa(capability), func(t *testing.T) {
			w := newTwin(t, &fake.Library{Capability: capability})
			for _, p := range products {
				require.NoError(t, p.run(t, w), p.name)
			}
			for _, tile := range []string{"128x160", "64x64"} {
				require.Contains(t, w.library.Names(), fmt.Sprintf("matmul_%s_%d", tile, capability))
			}
		})
	}
}

// scores is a case of Attention.
type scores struct {
	queries, keys, head, heads, first int
	q, k, y                           kernel.Format
	causal                            uint32
}

var attentions = []scores{
	{queries: 70, keys: 77, head: 64, heads: 2, q: kernel.F16, k: kernel.F16, y: kernel.F16},
	{queries: 64, keys: 130, head: 64, heads: 1, q: kernel.F16, y: kernel.F16},
	{queries: 3, keys: 5, head: 8, heads: 3},
	{queries: 65, keys: 64, head: 24, heads: 1, k: kernel.F16, y: kernel.F16},
	{queries: 77, keys: 77, head: 64, heads: 1, q: kernel.F16, k: kernel.F16, y: kernel.F16, causal: 1},
	{queries: 20, keys: 150, head: 40, heads: 2, first: 100, causal: 1},
}

func (s scores) run(t *testing.T, w *twin) error {
	v := kernel.Variant{Kernel: kernel.Attention, Spec: [kernel.Specs]uint32{uint32(s.q), uint32(s.k), uint32(s.k), uint32(s.y), s.causal}}
	row := s.head * s.heads
	bindings := []run.Range{w.random(t, s.queries*row, s.q, 1), w.random(t, s.keys*row, s.k, 2), w.random(t, s.keys*row, s.k, 3), w.random(t, s.queries*row, s.y, 4)}
	scale := math.Float32bits(float32(1 / math.Sqrt(float64(s.head))))
	return w.run(t, v, s.heads*ceil(s.queries, kernel.AttentionQueries), bindings,
		uint32(s.queries), uint32(s.keys), uint32(s.head), uint32(row), uint32(s.first), scale)
}

func TestAttention(t *testing.T) {
	for _, capability := range []int{75, 80} {
		t.Run(strconv.Itoa(capability), func(t *testing.T) {
			w := newTwin(t, &fake.Library{Capability: capability})
			for _, s := range attentions {
				require.NoError(t, s.run(t, w), "%+v", s)
			}
		})
	}
}
