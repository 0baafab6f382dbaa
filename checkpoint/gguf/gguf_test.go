package gguf_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint/gguf"
	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

var typesFile = golden.Path("files", "types.gguf")

// TestTypes: a file of the Python package gguf holds the values that the package says, bit for bit.
func TestTypes(t *testing.T) {
	f, err := gguf.Open(typesFile)
	require.NoError(t, err)
	defer f.Close()
	want, err := safetensors.Open(golden.Path("files", "types.safetensors"))
	require.NoError(t, err)
	defer want.Close()
	require.Equal(t, want.Names(), f.Names())
	for _, name := range want.Names() {
		x, err := f.Tensor(name)
		require.NoError(t, err)
		y, err := want.Tensor(name)
		require.NoError(t, err)
		require.Equal(t, y.Shape(), x.Shape(), name)
		wide, err := x.Convert(tensor.F32)
		require.NoError(t, err)
		require.Equal(t, y.Bytes(), wide.Bytes(), name)
		require.True(t, f.Mapped(name), name)
	}
	require.Equal(t, map[string]string{
		"general.architecture": "sdxl", "general.quantization_version": "2", "a.u8": "200", "a.i8": "-3", "a.u16": "60000", "a.i16": "-300",
		"a.i32": "-70000", "a.u64": "1099511627776", "a.i64": "-1099511627776", "a.f32": "0.1", "a.f64": "0.1", "a.bool": "true",
	}, f.Metadata())
}

// TestWrite: what is written is read again, and is what gguf writes of a tensor.
func TestWrite(t *testing.T) {
	f, err := gguf.Open(typesFile)
	require.NoError(t, err)
	defer f.Close()
	streams := make(map[string]safetensors.Stream)
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		require.NoError(t, err)
		streams[name] = safetensors.Stream{DType: x.DType(), Shape: x.Shape(), Write: func(w io.Writer) error { _, err := w.Write(x.Bytes()); return err }}
	}
	kernel := streams["kernel.weight"]
	kernel.Shape = tensor.Shape{3, 192}
	streams["kernel.weight"] = kernel
	metadata := map[string]any{"general.architecture": "sdxl", "n": uint32(7), "b": true}
	var b bytes.Buffer
	require.NoError(t, gguf.Write(&b, streams, metadata))
	path := filepath.Join(t.TempDir(), "out.gguf")
	require.NoError(t, os.WriteFile(path, b.Bytes(), 0o600))
	g, err := gguf.Open(path)
	require.NoError(t, err)
	defer g.Close()
	require.Equal(t, f.Names(), g.Names())
	require.Equal(t, map[string]string{"general.architecture": "sdxl", "n": "7", "b": "true"}, g.Metadata())
	for name, s := range streams {
		x, err := g.Tensor(name)
		require.NoError(t, err)
		require.Equal(t, s.Shape, x.Shape())
		var want bytes.Buffer
		require.NoError(t, s.Write(&want))
		require.Equal(t, want.Bytes(), x.Bytes(), name)
	}
}

func TestFaultsOfWriting(t *testing.T) {
	write := func(dt tensor.DType, metadata map[string]any, shape ...int) error {
		return gguf.Write(io.Discard, map[string]safetensors.Stream{"x": {DType: dt, Shape: shape, Write: func(io.Writer) error { return nil }}}, metadata)
	}
	require.ErrorContains(t, write(tensor.U8, nil, 2), `tensor "x" is U8, which the format does not have`)
	require.ErrorContains(t, write(tensor.Q80, nil, 3, 33), "no whole number of blocks of 32")
	require.ErrorContains(t, write(tensor.Q80, nil), "no whole number of blocks of 32", "a scalar")
	require.ErrorContains(t, write(tensor.Q80, nil, 1, 32), "0 bytes were written")
	require.ErrorContains(t, write(tensor.F32, nil, 1, 1, 1, 1), "0 bytes were written, its shape takes 4")
	require.ErrorContains(t, write(tensor.F32, nil, 1, 1, 1, 1, 1), "5 axes, want 4")
	require.ErrorContains(t, write(tensor.F32, nil, 1), "0 bytes were written, its shape takes 4")
	require.ErrorContains(t, write(tensor.F32, map[string]any{"k": 1.5}, 0), `"k" is a float64`)
}

// edit is a file of types.gguf with bytes changed.
func edit(t *testing.T, change func(b []byte) []byte) error {
	b, err := os.ReadFile(typesFile)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "x.gguf")
	require.NoError(t, os.WriteFile(path, change(b), 0o600))
	f, err := gguf.Open(path)
	if err == nil {
		defer f.Close()
	} else {
		require.ErrorContains(t, err, path)
	}
	return err
}

func TestFaults(t *testing.T) {
	at := func(i int, v ...byte) func([]byte) []byte {
		return func(b []byte) []byte { copy(b[i:], v); return b }
	}
	after := func(text string, v ...byte) func([]byte) []byte {
		return func(b []byte) []byte {
			copy(b[bytes.Index(b, []byte(text))+len(text):], v)
			return b
		}
	}
	for _, c := range []struct {
		change func([]byte) []byte
		want   string
	}{
		{at(0, 'x'), "no GGUF file"},
		{at(4, 1), "version 1"},
		{at(4, 0, 0, 0, 3), "big endian"},
		{at(8, 255, 255, 255, 255), "tensors are more than the file"},
		{at(16, 255, 255, 255, 255, 255), "keys are more than the file"},
		{func(b []byte) []byte { return b[:len(b)-100] }, "the file ends at"},
		{func(b []byte) []byte { return b[:1100] }, "1100"},
		{func(b []byte) []byte { return nil }, "truncated"},
		{after("a.u8", 99), "unknown type 99"},
		{after("Q4_0.weight", 9), "9 axes"},
		{after("Q4_0.weight", 2, 0, 0, 0, 255, 0, 0, 0), "rows of 255 are no whole number of Q4_0 blocks of 32"},
		{after("Q4_0.weight", 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 16), "IQ2_XXS is not read"},
		{after("Q4_0.weight", 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 99), "unknown type 99"},
		{after("Q4_0.weight", 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255), "tensor \"Q4_0.weight\""},
		{after("Q4_1.weight", 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 1), "no multiple of 32"},
		{after("orig_shape.kernel.weight", 9, 0, 0, 0, 5, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 7), "comfy.gguf.orig_shape.kernel.weight says [7 8 3 3]"},
		{func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("Q4_1.weight"), []byte("Q4_0.weight")) }, "occurs twice"},
		{func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("a.u8"), []byte("a.i8")) }, "occurs twice"},
	} {
		require.ErrorContains(t, edit(t, c.change), c.want)
	}
}

// TestMalformed opens 600 damaged files, of which at least 200 must be found out; those that open
// have only names, shapes or numbers changed, and are read.
func TestMalformed(t *testing.T) {
	whole, err := os.ReadFile(typesFile)
	require.NoError(t, err)
	r := rand.New(rand.NewPCG(1, 2))
	dir, faults := t.TempDir(), 0
	for range 600 {
		b := damage(r, whole)
		path := filepath.Join(dir, "x.gguf")
		require.NoError(t, os.WriteFile(path, b, 0o600))
		bounded.Check(t, len(b), bounded.Text, func() {
			if readAll(t, path) != nil {
				faults++
			}
		})
	}
	t.Logf("%d of 600 were found out", faults)
	require.Greater(t, faults, 200)
}

// damage changes a copy of a file: its header mostly, which is what can lead astray.
func damage(r *rand.Rand, whole []byte) []byte {
	b := bytes.Clone(whole)
	const header = 1500
	for range 1 + r.IntN(3) {
		at := r.IntN(min(header, len(b)))
		switch r.IntN(5) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b = b[:r.IntN(len(b))+1]
		case 2:
			b = append(b[:at:at], b[min(len(b), at+1+r.IntN(9)):]...)
		case 3:
			b = append(append(b[:at:at], whole[at:at+8]...), b[at:]...)
		case 4:
			if at+8 <= len(b) {
				binary.LittleEndian.PutUint64(b[at:], []uint64{1 << 63, 1<<64 - 1, 1 << 40, 0, 1 << 31}[r.IntN(5)])
			}
		}
	}
	return b
}

// readAll opens a file and reads its tensors.
func readAll(tb testing.TB, path string) error {
	f, err := gguf.Open(path)
	if err != nil {
		return err
	}
	for _, name := range f.Names() {
		x, err := f.Tensor(name)
		require.NoError(tb, err)
		_ = x.Bytes()
		f.Info(name)
	}
	return f.Close()
}

// FuzzOpen opens files of any content. What opens is read.
func FuzzOpen(f *testing.F) {
	whole, err := os.ReadFile(typesFile)
	require.NoError(f, err)
	f.Add(whole[:2048])
	f.Add(whole[:40])
	f.Add([]byte("GGUF\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"))
	path := filepath.Join(f.TempDir(), "x.gguf")
	f.Fuzz(func(t *testing.T, data []byte) {
		if os.WriteFile(path, data, 0o600) != nil {
			t.Skip()
		}
		bounded.Check(t, len(data), bounded.Text, func() { _ = readAll(t, path) })
	})
}
