package gguf_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint/gguf"
	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// head are the bytes of numbers in order, and of texts with their lengths before them.
func head(values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if s, ok := v.(string); ok {
			v = uint64(len(s))
			_ = binary.Write(&b, binary.LittleEndian, v) // a buffer takes all
			b.WriteString(s)
			continue
		}
		if n, ok := v.(int); ok {
			v = uint64(n)
		}
		_ = binary.Write(&b, binary.LittleEndian, v)
	}
	return b.Bytes()
}

// file is a file of one tensor of floats, and one pair of metadata.
func file(pair, tensor []byte, data int) []byte {
	b := append([]byte("GGUF\x03\x00\x00\x00"), head(1, 1)...)
	b = append(append(b, pair...), tensor...)
	for len(b)%32 != 0 {
		b = append(b, 0)
	}
	return append(b, make([]byte, data)...)
}

func openBytes(t *testing.T, b []byte) (*safetensors.File, error) {
	path := filepath.Join(t.TempDir(), "x.gguf")
	require.NoError(t, os.WriteFile(path, b, 0o600))
	f, err := gguf.Open(path)
	if err == nil {
		t.Cleanup(func() { require.NoError(t, f.Close()) })
	}
	return f, err
}

// TestBounds: each limit at its value and one past it.
func TestBounds(t *testing.T) {
	const text, list, i32, u32, f32 = uint32(8), uint32(9), uint32(5), uint32(4), uint32(0)
	four := head("x", uint32(1), 4, f32, 0) // a tensor of 4 floats
	pair := head("k", text, "v")
	axes := func(n int) []byte {
		b := head("x", uint32(n))
		for range n - 1 {
			b = append(b, head(1)...)
		}
		return append(b, head(4, f32, 0)...)
	}
	nested := func(depth int) []byte { // lists of one list each, the last of no numbers
		b := head("k", list)
		for range depth {
			b = append(b, head(list, 1)...)
		}
		return append(b, head(u32, 0)...)
	}
	shape := func(n ...int) []byte {
		b := head("comfy.gguf.orig_shape.x", list, i32, len(n))
		for _, v := range n {
			b = append(b, head(int32(v))...)
		}
		return b
	}
	aligned := func(n uint32) []byte { return head("general.alignment", u32, n) }
	long := func(n int) string { return strings.Repeat("n", n) }
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"whole":                {file(pair, four, 16), ""},
		"a byte short":         {file(pair, four, 15), "has 16 bytes from"},
		"8 axes":               {file(pair, axes(8), 16), ""},
		"9 axes":               {file(pair, axes(9), 16), "9 axes, want 8 at most"},
		"lists 4 deep":         {file(nested(4), four, 16), "lists inside lists, 4 deep"},
		"lists 3 deep":         {file(nested(3), four, 16), ""},
		"a shape of 1":         {file(shape(4), four, 16), ""},
		"a shape of 2":         {file(shape(2, 2), four, 16), ""},
		"a shape of 8":         {file(shape(1, 1, 1, 1, 1, 1, 1, 4), four, 16), ""},
		"a shape of 9":         {file(shape(1, 1, 1, 1, 1, 1, 1, 1, 4), four, 16), "says []"},
		"a shape of more":      {file(shape(5), four, 16), "says [5]"},
		"a shape of negatives": {file(shape(-2, -2), four, 16), "says [-2 -2]"},
		"a name of 64 KB":      {file(pair, head(long(1<<16), uint32(1), 4, f32, 0), 16), ""},
		"a longer name":        {file(pair, head(long(1<<16+1), uint32(1), 4, f32, 0), 16), "the name of a tensor of 65537 bytes"},
		"a key of 64 KB":       {file(head(long(1<<16), text, "v"), four, 16), ""},
		"a longer key":         {file(head(long(1<<16+1), text, "v"), four, 16), "a key of 65537 bytes"},
		"aligned to 8":         {file(aligned(8), four, 16), ""},
		"aligned to 4":         {file(aligned(4), four, 16), "general.alignment is 4, want a power of two from 8 on"},
		"aligned to 7":         {file(aligned(7), four, 16), "want a power of two"},
		"aligned to 24":        {file(aligned(24), four, 16), "want a power of two"},
		"aligned to 0":         {file(aligned(0), four, 16), "want a power of two"},
		"at the end":           {file(pair, head("x", uint32(1), 0, f32, 32), 32), ""},
		"behind the end":       {file(pair, head("x", uint32(1), 0, f32, 1<<20), 32), "it begins at 1048576 of the data"},
		"a shape past numbers": {file(pair, head("x", uint32(1), uint64(1)<<63, f32, 0), 16), "an axis of 9223372036854775808"},
		"a shape past memory":  {file(pair, head("x", uint32(2), 1<<62, 4, f32, 0), 16), "tensor \"x\""},
		"a text past numbers":  {file(head("k", text, uint64(1)<<63), four, 16), "a text of 9223372036854775808 bytes"},
		"a text past the end":  {file(head("k", text, 10_000), four, 16), "truncated: 10000 bytes are due"},
		"more values than fit": {file(head("k", list, u32, 1000), four, 16), "1000 values are more than the file"},
		"more texts than fit":  {file(head("k", list, text, 30), four, 16), "30 values are more than the file"},
		"a list of texts":      {file(head("k", list, text, 2, "a", "b"), four, 16), ""},
		"a list of nothing":    {file(head("k", list, uint32(99), 1, 0), four, 16), "unknown type 99"},
	} {
		bounded.Check(t, len(c.file), bounded.Text, func() {
			f, err := openBytes(t, c.file)
			if c.want != "" {
				require.ErrorContains(t, err, c.want, name)
				return
			}
			require.NoError(t, err, name)
			require.Len(t, f.Names(), 1)
			_, err = f.Tensor(f.Names()[0])
			require.NoError(t, err, name)
		})
	}
	for size, kept := range map[int]bool{1 << 20: true, 1<<20 + 1: false} {
		f, err := openBytes(t, file(head("k", text, long(size)), four, 16))
		require.NoError(t, err)
		require.Equal(t, kept, len(f.Metadata()["k"]) == size)
	}
}

// TestTypesOfConversion: which tensors become what.
func TestTypesOfConversion(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.safetensors"), filepath.Join(dir, "out.gguf")
	shapes := map[string]tensor.Shape{"a.weight": {2, 64}, "a.bias": {64}, "odd.weight": {2, 33}, "vector": {64}, "time_embed.0.weight": {2, 64}, "label_emb.0.weight": {2, 64}, "token_embedding.weight": {2, 64}, "text_projection": {2, 64}, "conv.weight": {2, 3, 1, 32}}
	tensors := map[string]*tensor.Tensor{"count": tensor.New(tensor.I64, 2), "eight": tensor.New(tensor.F8E4M3, 2, 64)}
	for name, shape := range shapes {
		tensors[name] = tensor.New(tensor.BF16, shape...)
	}
	require.NoError(t, safetensors.WriteFile(in, tensors, nil))
	f, err := safetensors.Open(in)
	require.NoError(t, err)
	defer f.Close()
	for _, c := range []struct{ dt, kept, matrix, eight tensor.DType }{
		{tensor.Invalid, tensor.BF16, tensor.BF16, tensor.F16}, {tensor.F32, tensor.F32, tensor.F32, tensor.F32}, {tensor.F16, tensor.F16, tensor.F16, tensor.F16}, {tensor.Q80, tensor.BF16, tensor.Q80, tensor.Q80}, {tensor.Q40, tensor.BF16, tensor.Q40, tensor.Q40},
	} {
		require.NoError(t, gguf.WriteFile(t.Context(), out, f, c.dt))
		g, err := gguf.Open(out)
		require.NoError(t, err)
		require.Equal(t, map[string]string{"general.architecture": "sdxl", "general.quantization_version": "2"}, g.Metadata())
		for name, x := range tensors {
			want := c.kept
			switch name {
			case "a.weight", "conv.weight":
				want = c.matrix
			case "eight":
				want = c.eight
			case "count":
				want = tensor.I64
			}
			info, ok := g.Info(name)
			require.True(t, ok)
			require.Equal(t, want, info.DType, "%s as %s", name, c.dt)
			require.Equal(t, x.Shape(), info.Shape)
		}
		if c.dt == tensor.Q80 {
			require.ErrorContains(t, gguf.WriteFile(t.Context(), filepath.Join(dir, "again.gguf"), g, tensor.Q40), "is quantised (Q8_0): convert the original")
			require.NoError(t, gguf.WriteFile(t.Context(), filepath.Join(dir, "again.gguf"), g, tensor.F32))
		}
		require.NoError(t, g.Close())
	}
	for _, dt := range gguf.Quantisations() {
		require.True(t, dt.Blocked())
	}
}
