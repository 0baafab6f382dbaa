package mkmodel

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"io"
	"math"
	"math/rand/v2"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/kernel/convert"
)

// distribution is the mean and deviation of a parameter, such that values keep
// about their size from layer to layer.
func distribution(t checkpoint.Tensor) (mean, deviation float64) {
	switch t.Role {
	case checkpoint.Matrix:
		return 0, 1 / math.Sqrt(float64(t.FanIn))
	case checkpoint.Scale:
		return 1, 0.1
	default:
		return 0, 0.02
	}
}

// tableSize is how many different values a tensor has: one for each 16 random bits.
const tableSize = 1 << 16

// normals are values of the standard normal distribution.
var normals = func() []float64 {
	r := rand.New(rand.NewPCG(1, 1))
	v := make([]float64, tableSize)
	for i := range v {
		v[i] = r.NormFloat64()
	}
	return v
}()

// writeRandom writes the tensor in F16. The values depend on its key alone.
func writeRandom(ctx context.Context, w io.Writer, t checkpoint.Tensor) error {
	mean, deviation := distribution(t)
	var table [tableSize]uint16
	for i, x := range normals {
		table[i] = convert.F32ToF16(float32(mean + deviation*x))
	}
	h := fnv.New64a()
	io.WriteString(h, t.Key)
	r := rand.NewPCG(h.Sum64(), 0)
	buf := make([]byte, 1<<16)
	for left := 2 * t.Shape.NumElements(); left > 0; left -= len(buf) {
		if err := ctx.Err(); err != nil {
			return err
		}
		buf = buf[:min(left, len(buf))]
		var bits uint64
		for i := 0; i < len(buf); i += 2 {
			if i%8 == 0 {
				bits = r.Uint64()
			}
			binary.LittleEndian.PutUint16(buf[i:], table[bits&(tableSize-1)])
			bits >>= 16
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
