package convert_test

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/cpu"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// FuzzLevels: every instruction set gives the bits of plain Go, for any bits,
// NaNs among them, and any length.
func FuzzLevels(f *testing.F) {
	var special []byte
	for _, v := range []uint32{0, 1 << 31, 1, 0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00001, 0x7f800001, 0x33000000, 0x477ff000, 0x387fffff} {
		special = binary.LittleEndian.AppendUint32(special, v)
	}
	for n := range 3 {
		f.Add(special[:len(special)-4*n])
	}
	f.Add(make([]byte, 4*37))
	f.Fuzz(func(t *testing.T, data []byte) {
		data = data[:min(len(data), 1<<12)/4*4]
		singles := make([]float32, len(data)/4)
		for i := range singles {
			singles[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		for _, format := range []convert.Format{convert.F16, convert.BF16, convert.F8E4M3, convert.F8E5M2} {
			wide := func() []uint32 {
				dst := make([]float32, len(data)/format.Size())
				convert.ToF32(dst, data, format)
				return bitsOf(dst)
			}
			narrow := func() []byte {
				dst := make([]byte, 2*len(singles))
				convert.FromF32(dst, singles, format)
				return dst
			}
			restore := cpu.Use(cpu.Generic)
			wantWide := wide()
			var wantNarrow []byte
			rounds := format == convert.F16 || format == convert.BF16
			if rounds {
				wantNarrow = narrow()
			}
			restore()
			for _, level := range cpu.Known() {
				if level > cpu.Best() {
					continue
				}
				restore := cpu.Use(level)
				require.Equal(t, wantWide, wide(), "%s of %s", format, level)
				if rounds {
					require.Equal(t, wantNarrow, narrow(), "%s of %s", format, level)
				}
				restore()
			}
		}
	})
}

func bitsOf(v []float32) []uint32 {
	bits := make([]uint32, len(v))
	for i, x := range v {
		bits[i] = math.Float32bits(x)
	}
	return bits
}
