package kerneltest

import (
	"unsafe"

	"github.com/df65613c/easel/internal/guard"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// Quantised is a weight in a quantised format, and what it is in float32.
type Quantised struct {
	Name   string
	Data   unsafe.Pointer
	Format convert.Format
	Scales convert.Scales
	Values []float32
}

// Quantised returns weights [n,k] of random numbers and scales: those with a
// scale a row, and if k allows those with a scale a block, and ggml's blocks.
func (s *Source) Quantised(n, k int) []Quantised {
	rows := make([]float32, n)
	for i := range rows {
		rows[i] = s.Float32() / 64
	}
	list := []Quantised{{Name: "rows", Format: convert.I8, Scales: convert.Scales{Rows: rows}}}
	if k%convert.BlockSize == 0 {
		blocks := make([]uint16, n*k/convert.BlockSize)
		for i := range blocks {
			blocks[i] = convert.F32ToF16(float32(s.NormFloat64()) / 64)
		}
		list = append(list, Quantised{Name: "blocks", Format: convert.I8, Scales: convert.Scales{Blocks: blocks}},
			Quantised{Name: "F4", Format: convert.F4, Scales: convert.Scales{Blocks: blocks}})
	}
	for f := convert.Q40; f.Blocked(); f++ { // of which rows may begin inside a block
		if values, _ := f.Block(); n*k%values == 0 {
			list = append(list, Quantised{Name: f.String(), Format: f})
		}
	}
	for i := range list {
		q, bytes := &list[i], n*k
		switch {
		case q.Format == convert.F4:
			bytes /= 2
		case q.Format.Blocked():
			values, size := q.Format.Block()
			bytes = n * k / values * size
		}
		stored := guard.Bytes(s.TB, bytes, s.Side)
		q.Data = unsafe.Pointer(unsafe.SliceData(stored))
		for j := range stored {
			if stored[j] = byte(s.Uint32()); stored[j] == 0x80 && q.Format == convert.I8 {
				stored[j] = 0x81 // -127 is the least
			}
		}
		if q.Format.Blocked() { // factors of ordinary size, wherever they lie
			_, size := q.Format.Block()
			for ; len(stored) > 0; stored = stored[size:] {
				for j := range size {
					stored[j] &= 0x2f
				}
			}
		}
		q.Values = make([]float32, n*k)
		for j := range n {
			q.Scales.Row(q.Values[j*k:][:k], q.Data, q.Format, k, j, 0)
		}
	}
	return list
}
