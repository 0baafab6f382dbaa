package safetensors

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/tensor"
)

// shard writes a file whose scalar tensors are value.
func shard(t *testing.T, dir, name string, value float32, tensors ...string) {
	m := map[string]*tensor.Tensor{}
	for _, n := range tensors {
		v, err := tensor.FromSlice([]float32{value})
		require.NoError(t, err)
		m[n] = v
	}
	require.NoError(t, WriteFile(filepath.Join(dir, name), m, map[string]string{"format": "pt", name: "here"}))
}

func text(t *testing.T, dir, name, content string) {
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644))
}

func valueOf(t *testing.T, f *File, name string) float32 {
	v, err := f.Tensor(name)
	require.NoError(t, err)
	return v.Float32s()[0]
}

const index = "model.safetensors.index.json"

func TestShards(t *testing.T) {
	dir := t.TempDir()
	shard(t, dir, "model-00001-of-00002.safetensors", 1, "a", "c")
	shard(t, dir, "model-00002-of-00002.safetensors", 2, "b", "extra")
	text(t, dir, index, `{"metadata":{"total_size":12},"weight_map":{
		"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors","c":"model-00001-of-00002.safetensors"}}`)
	f, err := OpenSharded(filepath.Join(dir, index))
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, []string{"a", "b", "c", "extra"}, f.Names())
	require.Equal(t, float32(1), valueOf(t, f, "c"))
	require.Equal(t, float32(2), valueOf(t, f, "b"))
	require.Equal(t, map[string]string{"format": "pt", "model-00001-of-00002.safetensors": "here", "model-00002-of-00002.safetensors": "here"}, f.Metadata())
}

func TestBadIndexes(t *testing.T) {
	for name, c := range map[string]struct{ index, fault string }{
		"missing shards": {`{"weight_map":{"a":"1.safetensors","b":"x.safetensors","c":"y.safetensors"}}`, `2 of 3 shards are missing: "x.safetensors", "y.safetensors"`},
		"missing tensor": {`{"weight_map":{"a":"1.safetensors","z":"2.safetensors"}}`, `tensor "z": is not in `},
		"wrong shard":    {`{"weight_map":{"a":"2.safetensors"}}`, `tensor "a": is not in `},
		"other shard":    {`{"weight_map":{"a":"2.safetensors","c":"1.safetensors"}}`, `tensor "a": is in `},
		"in two":         {`{"weight_map":{"a":"1.safetensors","b":"3.safetensors"}}`, `tensor "a": is in `},
		"outside":        {`{"weight_map":{"a":"../1.safetensors"}}`, `"../1.safetensors" is no file beside the index`},
		"absolute":       {`{"weight_map":{"a":"/etc/passwd"}}`, "is no file beside the index"},
		"itself":         {`{"weight_map":{"a":"."}}`, "is no file beside the index"},
		"duplicate":      {`{"weight_map":{"a":"1.safetensors","a":"2.safetensors"}}`, `"a" occurs twice`},
		"number":         {`{"weight_map":{"a":1}}`, `weight_map "a"`},
		"no map":         {`{}`, "weight_map is missing or empty"},
		"not JSON":       {`hello`, "invalid JSON"},
		"empty":          {``, "JSON ends too early"},
		"bad shard":      {`{"weight_map":{"a":"1.safetensors","b":"bad.safetensors"}}`, "bad.safetensors: no safetensors file but text"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			shard(t, dir, "1.safetensors", 1, "a", "c")
			shard(t, dir, "2.safetensors", 2, "b")
			shard(t, dir, "3.safetensors", 3, "a", "b")
			text(t, dir, "bad.safetensors", "bad")
			text(t, dir, index, c.index)
			f, err := OpenSharded(filepath.Join(dir, index))
			require.Nil(t, f)
			require.ErrorContains(t, err, c.fault)
		})
	}
	_, err := OpenSharded(filepath.Join(t.TempDir(), index))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestOpenModel(t *testing.T) {
	const base = "diffusion_pytorch_model"
	write := func(t *testing.T, dir string, name string, value float32) {
		if filepath.Ext(name) == ".json" {
			shard(t, dir, base+".fp16-00001-of-00001.safetensors", value, "w")
			text(t, dir, name, `{"weight_map":{"w":"`+base+`.fp16-00001-of-00001.safetensors"}}`)
			return
		}
		shard(t, dir, name, value, "w")
	}
	for name, c := range map[string]struct {
		files   []string // the value of the i-th is i
		variant string
		want    int
		fault   string
	}{
		"plain":             {[]string{base + ".safetensors"}, "", 0, ""},
		"plain of two":      {[]string{base + ".fp16.safetensors", base + ".safetensors"}, "", 1, ""},
		"variant of two":    {[]string{base + ".fp16.safetensors", base + ".safetensors"}, "fp16", 0, ""},
		"only variant":      {[]string{base + ".non_ema.safetensors"}, "", 0, ""},
		"index first":       {[]string{base + ".safetensors", base + ".safetensors.index.json"}, "", 1, ""},
		"variant index":     {[]string{base + ".safetensors", base + ".safetensors.index.fp16.json"}, "fp16", 1, ""},
		"only index":        {[]string{base + ".safetensors.index.fp16.json"}, "", 0, ""},
		"older index":       {[]string{base + ".safetensors.fp16.index.json"}, "fp16", 0, ""},
		"oldest index":      {[]string{base + ".fp16.safetensors.index.json"}, "", 0, ""},
		"no such variant":   {[]string{base + ".safetensors"}, "fp16", 0, `no weights diffusion_pytorch_model of variant "fp16", there are those of [""]`},
		"several variants":  {[]string{base + ".fp16.safetensors", base + ".bf16.safetensors"}, "", 0, `["bf16" "fp16"]`},
		"another's weights": {[]string{"model.safetensors"}, "", 0, "no weights"},
		"lonely shard":      {[]string{base + ".fp16-00001-of-00002.safetensors"}, "", 0, "no weights"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for i, file := range c.files {
				write(t, dir, file, float32(i))
			}
			f, err := OpenModel(dir, base, c.variant)
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				require.ErrorContains(t, err, dir)
				require.ErrorIs(t, err, os.ErrNotExist)
				return
			}
			require.NoError(t, err)
			require.Equal(t, float32(c.want), valueOf(t, f, "w"))
			require.NoError(t, f.Close())
		})
	}
	_, err := OpenModel("testdata/none", base, "")
	require.ErrorIs(t, err, os.ErrNotExist)
}
