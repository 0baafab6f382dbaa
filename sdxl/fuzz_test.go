package sdxl_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/nn/cpu"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

// modelFiles returns the files of the smallest model, and the names of its JSON.
func modelFiles(f *testing.F) (files fstest.MapFS, texts []string) {
	files = fstest.MapFS{}
	root := os.DirFS(golden.Path("c", "model"))
	require.NoError(f, fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(root, path)
		files[path] = &fstest.MapFile{Data: data}
		if base := filepath.Base(path); base == "config.json" || base == "model_index.json" || base == "scheduler_config.json" {
			texts = append(texts, path)
		}
		return err
	}))
	return files, texts
}

// fields returns the fields of a JSON object, and their names sorted.
func fields(tb testing.TB, data []byte) (map[string]json.RawMessage, []string) {
	var v map[string]json.RawMessage
	require.NoError(tb, json.Unmarshal([]byte(strings.ReplaceAll(string(data), "-Infinity", "null")), &v))
	return v, slices.Sorted(maps.Keys(v))
}

// FuzzConfigs opens a model with one field of a configuration replaced, or all of
// it. What opens is checked, and draws or fails with an error.
func FuzzConfigs(f *testing.F) {
	files, texts := modelFiles(f)
	for i, name := range texts {
		f.Add(uint8(i), uint8(0), string(files[name].Data), true)
		_, keys := fields(f, files[name].Data)
		for j := range keys {
			values := []string{"0", "-1", "64", "null", "[1]", "1e300", `"x"`, "9223372036854775807", "[1,2,3,4]"}
			f.Add(uint8(i), uint8(j), values[(i+j)%len(values)], false)
		}
	}
	b := cpu.New(cpu.Options{Threads: 1})
	f.Cleanup(func() { b.Close() })
	// A picture of 64x64 that this model takes, and what files of its size are.
	most := bounded.Cost{Bytes: 1 << 30, BytesPerByte: 1 << 10, Time: 20 * time.Second, TimePerByte: 100 * time.Microsecond}
	f.Fuzz(func(t *testing.T, file, key uint8, value string, whole bool) {
		name := texts[int(file)%len(texts)]
		data := []byte(value)
		if !whole {
			if !json.Valid(data) {
				return
			}
			v, keys := fields(t, files[name].Data)
			v[keys[int(key)%len(keys)]] = json.RawMessage(value)
			var err error
			data, err = json.Marshal(v)
			require.NoError(t, err)
		}
		with := maps.Clone(files)
		with[name] = &fstest.MapFile{Data: data}
		bounded.Check(t, len(data), most, func() {
			m, err := sdxl.OpenFS(with, "fuzz", sdxl.OpenOptions{})
			if err != nil {
				return
			}
			defer m.Close()
			o := sdxl.Options{Prompt: "a", Steps: new(1)}
			if o.Check(m) != nil {
				return
			}
			o.Width, o.Height = 64, 64
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			pipe := sdxl.NewPipeline(m, b, sdxl.PipelineOptions{Memory: 256 << 20})
			defer pipe.Close()
			_, err = pipe.Generate(ctx, o)
			require.False(t, errors.Is(err, context.DeadlineExceeded), "%s: %s", name, data)
		})
	})
}

// FuzzSingle opens single files whose tensors have other shapes, or lack. The
// files are holes, so that size costs nothing.
func FuzzSingle(f *testing.F) {
	type info struct {
		DType   string   `json:"dtype"`
		Shape   []int    `json:"shape"`
		Offsets [2]int64 `json:"data_offsets"`
	}
	data, err := os.ReadFile(golden.Path("b", "single.safetensors"))
	require.NoError(f, err)
	var all map[string]info
	head := data[8 : 8+binary.LittleEndian.Uint64(data)]
	metadata, _ := fields(f, head)
	delete(metadata, "__metadata__")
	head, err = json.Marshal(metadata)
	require.NoError(f, err)
	require.NoError(f, json.Unmarshal(head, &all))
	for key, x := range all {
		for i, n := range x.Shape { // to widths that SDXL has
			if n%16 == 0 {
				x.Shape[i] = 4 * n
			}
		}
		all[key] = x
	}
	keys := slices.Sorted(maps.Keys(all))
	f.Add([]byte{})
	f.Add([]byte{0, 0, 0, 64, 1, 0, 0, 64, 0, 0, 1, 64})
	for i := range 40 {
		f.Add([]byte{byte(i * 7), byte(i), 0, byte(i), byte(i * 13), 3, 1, byte(255 - i)})
	}
	path := filepath.Join(f.TempDir(), "fuzz.safetensors")
	most := bounded.Cost{Bytes: 128 << 20, Time: 10 * time.Second}
	f.Fuzz(func(t *testing.T, in []byte) {
		with := maps.Clone(all)
		for ; len(in) >= 4; in = in[4:] { // which tensor, which axis, and its size
			key := keys[(int(in[0])<<8|int(in[1]))%len(keys)]
			x := with[key]
			x.Shape = slices.Clone(x.Shape)
			switch axis := int(in[2]); {
			case axis == 255:
				delete(with, key)
				continue
			case axis == 254:
				x.Shape = x.Shape[:0]
			case axis == 253:
				x.Shape = append(x.Shape, int(in[3]))
			case len(x.Shape) > 0:
				x.Shape[axis%len(x.Shape)] = int(in[3])
			}
			with[key] = x
		}
		end := int64(0)
		for _, key := range slices.Sorted(maps.Keys(with)) {
			x := with[key]
			dt, err := tensor.ParseDType(x.DType)
			require.NoError(t, err)
			x.Offsets[0] = end
			end += int64(tensor.Shape(x.Shape).NumElements() * dt.Size())
			x.Offsets[1] = end
			with[key] = x
		}
		if end > 1<<31 {
			return
		}
		head, err := json.Marshal(with)
		require.NoError(t, err)
		w, err := os.Create(path)
		require.NoError(t, err)
		_, err = w.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...))
		require.NoError(t, errors.Join(err, w.Truncate(int64(8+len(head))+end), w.Close()))
		bounded.Check(t, len(head), most, func() {
			m, err := sdxl.Open(path, sdxl.OpenOptions{AllowMissing: true, AllowUnused: true})
			if err != nil {
				return
			}
			defer m.Close()
			_ = (&sdxl.Options{Prompt: "a"}).Check(m)
		})
	})
}
