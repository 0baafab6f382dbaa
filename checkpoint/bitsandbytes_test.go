package checkpoint_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// weightsOf finds parameters of a file by the names of its tensors.
func weightsOf(f checkpoint.Source) *checkpoint.Weights {
	return checkpoint.New("m", f, func(name string) []checkpoint.Place { return []checkpoint.Place{{Key: name}} }, func(string) bool { return true })
}

// TestFourBitsAreThoseOfBitsandbytes widens matrices in 4 bits, bit for bit as bitsandbytes does.
func TestFourBitsAreThoseOfBitsandbytes(t *testing.T) {
	f, err := safetensors.Open(golden.Path("forms", "four_bits.safetensors"))
	require.NoError(t, err)
	defer f.Close()
	w := weightsOf(f)
	for name, dt := range map[string]tensor.DType{"nf4": tensor.NF4, "nf4.nested": tensor.NF4, "fp4": tensor.FP4, "fp4.nested": tensor.FP4} {
		want, err := f.Tensor(name + ".out")
		require.NoError(t, err)
		weight := w.Weight(name+".weight", want.Shape()...)
		require.Equal(t, dt, weight.DType)
		require.True(t, weight.Copied)
		stored, err := weight.Load()
		require.NoError(t, err, name)
		wide, err := stored.Convert(tensor.F32)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want.Bytes(), wide.Bytes()), name)
		w.Weight(name+".out", want.Shape()...)
	}
	account := w.Account()
	require.NoError(t, account.Err(false, false))
}

// TestFaultyFourBits changes what lies beside a matrix in 4 bits, one tensor at a time.
func TestFaultyFourBits(t *testing.T) {
	const key, state = "nf4.nested.weight", ".quant_state.bitsandbytes__nf4"
	described := func(from, to string) func(map[string]*tensor.Tensor) {
		return func(m map[string]*tensor.Tensor) {
			text := strings.Replace(string(m[key+state].Bytes()), from, to, 1)
			x := tensor.New(tensor.U8, len(text))
			copy(x.Bytes(), text)
			m[key+state] = x
		}
	}
	without := func(suffix string) func(map[string]*tensor.Tensor) {
		return func(m map[string]*tensor.Tensor) { delete(m, key+suffix) }
	}
	for want, change := range map[string]func(map[string]*tensor.Tensor){
		"parameters are missing":                 without(""),
		"there is no tensor " + key + ".absmax":  without(".absmax"),
		"is U8[280], want F32[280]":              without(".nested_absmax"),
		"no tensor " + key + ".nested_quant_map": without(".nested_quant_map"),
		"no tensor " + key + ".quant_map":        without(".quant_map"),
		"unexpected end of JSON input":           described("}", ""),
		"want that of a matrix":                  described("[40, 448]", "[17920]"),
		"shape [-40 448]":                        described("[40, 448]", "[-40, 448]"),
		"want 25600 bytes":                       described("[40, 448]", "[80, 640]"),
		"want a multiple of 64":                  described(`"blocksize": 64`, `"blocksize": 32`),
		"no whole blocks of 64":                  described("[40, 448]", "[41, 447]"),
		"nested_blocksize 0, want 1 or more":     described(`"nested_blocksize": 256`, `"nested_blocksize": 0`),
		"a table of its own": func(m map[string]*tensor.Tensor) {
			m[key+".quant_map"] = tensor.New(tensor.F32, 16)
		},
		`unknown type "nf5", want nf4 or fp4`: func(m map[string]*tensor.Tensor) {
			m[key+".quant_state.bitsandbytes__nf5"] = m[key+state]
			delete(m, key+state)
		},
	} {
		tensors := golden.Tensors(t, golden.Path("forms", "four_bits.safetensors"))
		change(tensors)
		path := t.TempDir() + "/f.safetensors"
		require.NoError(t, safetensors.WriteFile(path, tensors, nil))
		f, err := safetensors.Open(path)
		require.NoError(t, err)
		w := weightsOf(f)
		weight := w.Weight(key, 40, 448)
		account := w.Account()
		err = account.Err(false, true)
		if err == nil {
			_, err = weight.Load()
		}
		require.ErrorContains(t, err, want)
		require.NoError(t, f.Close())
	}
}
