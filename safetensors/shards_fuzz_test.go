package safetensors

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/tensor"
)

// FuzzIndex opens sharded files by an index of any content. What opens is read.
func FuzzIndex(f *testing.F) {
	dir := f.TempDir()
	a := tensor.New(tensor.F32, 2, 3)
	require.NoError(f, WriteFile(filepath.Join(dir, "a.safetensors"), map[string]*tensor.Tensor{"x": a, "y": a}, nil))
	require.NoError(f, WriteFile(filepath.Join(dir, "b.safetensors"), map[string]*tensor.Tensor{"z": a}, nil))
	for _, s := range []string{`{"metadata":{"total_size":1},"weight_map":{"x":"a.safetensors","y":"a.safetensors","z":"b.safetensors"}}`, `{"weight_map":{}}`, `{"weight_map":{"x":"../a"}}`,
		`{"weight_map":{"x":"a.safetensors","x":"b.safetensors"}}`, `{"weight_map":{"x":"./a.safetensors","z":"model.safetensors.index.json"}}`, `{"weight_map":null}`, `{"weight_map":{"x":"a.safetensors\u0000"}}`} {
		f.Add([]byte(s))
	}
	path := filepath.Join(dir, "model.safetensors.index.json")
	f.Fuzz(func(t *testing.T, data []byte) {
		if os.WriteFile(path, data, 0o600) != nil {
			t.Skip()
		}
		bounded.Check(t, len(data), bounded.Text, func() {
			file, err := OpenSharded(path)
			if err != nil {
				require.Nil(t, file)
				return
			}
			for _, n := range file.Names() {
				v, err := file.Tensor(n)
				require.NoError(t, err)
				_ = v.Bytes()
			}
			require.NoError(t, file.Close())
		})
	})
}

// FuzzRecast compares files of another type with the tensors converted one by
// one, and bfloat16 with rounding by hand.
func FuzzRecast(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0x80, 0x7f}, uint8(0), uint8(1))
	f.Add(bytes.Repeat([]byte{0xff, 0x7f, 0x01}, 16), uint8(1), uint8(2))
	dts := []tensor.DType{tensor.F32, tensor.F16, tensor.BF16, tensor.F64, tensor.I64, tensor.F8E4M3, tensor.F8E5M2, tensor.Bool, tensor.I8, tensor.F4, tensor.C64}
	f.Fuzz(func(t *testing.T, data []byte, from, to uint8) {
		dt, want := dts[int(from)%len(dts)], dts[int(to)%3]
		per := 8
		data = data[:len(data)/per*per]
		var n int
		switch dt {
		case tensor.F4:
			n = len(data) * 2
		default:
			n = len(data) / dt.Size()
		}
		v, err := tensor.FromBytes(dt, tensor.Shape{n}, bytes.Clone(data))
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, Write(&b, map[string]*tensor.Tensor{"x": v}, map[string]string{"k": "v"}))
		file, err := OpenReaderAt(bytes.NewReader(b.Bytes()), int64(b.Len()), "x")
		require.NoError(t, err)
		var made bytes.Buffer
		bounded.Check(t, len(data), bounded.Text, func() { err = file.recastAll(t.Context(), &made, want) })
		if err != nil {
			return // a finite number that is too large, as documented
		}
		g, err := OpenReaderAt(bytes.NewReader(made.Bytes()), int64(made.Len()), "made")
		require.NoError(t, err)
		got, err := g.Tensor("x")
		require.NoError(t, err)
		ref := v
		if dt.IsFloat() {
			ref, err = v.Convert(want)
			require.NoError(t, err)
		}
		require.Equal(t, ref.DType(), got.DType())
		require.True(t, bytes.Equal(ref.Bytes(), got.Bytes()))
		if dt == tensor.F32 && want == tensor.BF16 { // naive model
			for i := range n {
				x := binary.LittleEndian.Uint32(data[4*i:])
				y := binary.LittleEndian.Uint16(got.Bytes()[2*i:])
				if fl := math.Float32frombits(x); fl != fl {
					w := math.Float32frombits(uint32(y) << 16)
					require.True(t, w != w)
					continue
				}
				r := uint16((uint64(x) + 0x7fff + uint64(x>>16&1)) >> 16)
				require.Equal(t, r, y)
			}
		}
	})
}
