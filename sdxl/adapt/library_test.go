package adapt_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl/adapt"
	"github.com/df65613c/easel/tensor"
)

var small = map[string]tensor.Shape{"matrix.lora_up.weight": {8, 2}, "matrix.lora_down.weight": {2, 6}}

// TestLibrary: what is in its folder is found by name, what was added before that, and what was
// replaced is opened again; once.
func TestLibrary(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "below"), 0o700))
	first := write(t, filepath.Join(dir, "a.safetensors"), small, nil)
	write(t, filepath.Join(dir, "below", "b.safetensors"), small, nil)
	l := &adapt.Library{Dir: dir}
	name, err := l.Add(write(t, filepath.Join(other, "c.safetensors"), small, nil))
	require.NoError(t, err)
	require.Equal(t, "c", name)
	_, err = l.Add(filepath.Join(other, "c.safetensors"))
	require.NoError(t, err, "the same again")
	_, err = l.Add(write(t, filepath.Join(t.TempDir(), "c.safetensors"), small, nil))
	require.ErrorContains(t, err, "have the same name")
	_, err = l.Add(filepath.Join(other, "none.safetensors"))
	require.ErrorIs(t, err, os.ErrNotExist)
	names, err := l.Names()
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b", "c"}, names)

	files := make([]*adapt.File, 20)
	var all sync.WaitGroup
	for i := range files { // run it with -race
		all.Go(func() {
			f, err := l.Open("a")
			if err != nil {
				t.Error(err)
			}
			files[i] = f
			if _, err := l.Names(); err != nil {
				t.Error(err)
			}
			if _, err := l.Add(first); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for _, f := range files {
		require.Same(t, files[0], f)
	}
	later := time.Now().Add(time.Hour)
	require.NoError(t, os.Chtimes(first, later, later))
	again, err := l.Open("a")
	require.NoError(t, err)
	require.NotSame(t, files[0], again, "of another time")
	write(t, first, map[string]tensor.Shape{"matrix.lora_up.weight": {8, 3}, "matrix.lora_down.weight": {3, 6}}, nil)
	require.NoError(t, os.Chtimes(first, later, later))
	third, err := l.Open("a")
	require.NoError(t, err)
	require.NotSame(t, again, third, "of another size")

	_, err = l.Open("../a")
	require.ErrorIs(t, err, adapt.ErrUnknown)
	require.ErrorContains(t, err, "there are a, b, c")
	require.NoError(t, l.Close())
	_, err = l.Open("a")
	require.ErrorIs(t, err, os.ErrClosed)
	_, err = (*adapt.Library)(nil).Open("a")
	require.ErrorIs(t, err, adapt.ErrUnknown)
}

// TestNamesOfErrors: as many are listed as there may be, and of more the number.
func TestNamesOfErrors(t *testing.T) {
	dir := t.TempDir()
	l := &adapt.Library{Dir: dir}
	for n := 1; n <= 21; n++ {
		write(t, filepath.Join(dir, fmt.Sprintf("n%02d.safetensors", n)), small, nil)
		if n < 20 {
			continue
		}
		_, err := l.Open("x")
		require.ErrorContains(t, err, "n01, ")
		require.ErrorContains(t, err, "n20")
		require.NotContains(t, err.Error(), "n21")
		require.Equal(t, n > 20, strings.Contains(err.Error(), " and 1 more"))
	}
	path := filepath.Join(t.TempDir(), "x.safetensors")
	for n := 8; n <= 9; n++ {
		shapes := map[string]tensor.Shape{"matrix.lora_up.weight": {8, 2}, "matrix.lora_down.weight": {2, 6}, "matrux.diff": {8, 6}}
		for i := 1; i < n; i++ {
			shapes[fmt.Sprintf("unknown%d", i)] = tensor.Shape{1}
		}
		fitted, err := fit(t, write(t, path, shapes, nil))
		require.NoError(t, err)
		require.Len(t, fitted.Unused, n)
		require.ErrorContains(t, fitted.Err(), fmt.Sprintf("%d names fit nothing", n))
		require.Equal(t, n > 8, strings.Contains(fitted.Err().Error(), " and 1 more"))
		require.Equal(t, n == 8, strings.Contains(fitted.Err().Error(), "matrux (nearest: matrix)"), fitted.Err())
	}
}

// TestInfo: each of the metadata has its place, the better one first.
func TestInfo(t *testing.T) {
	tags := make(map[string]float64)
	for i := range 13 {
		tags[fmt.Sprintf(" tag %d ", i)] = float64(100 - i)
	}
	frequency, err := json.Marshal(map[string]map[string]float64{"1_x": tags, "2_x": {"tag 12": 50}})
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "x.safetensors")
	shapes := map[string]tensor.Shape{"matrix.lora_up.weight": {8, 2}, "matrix.lora_down.weight": {2, 6}, "vector.diff": {8}, "kernel.diff": {8, 6, 3, 3},
		"layer.q_proj.diff": {4, 4}, "text_encoder.layer.q_proj.diff": {4, 4}, "bundle_emb.word.clip_l": {2, 16}, "unknown": {1}}
	delete(shapes, "layer.q_proj.diff")
	fitted, err := fit(t, write(t, path, shapes, map[string]string{"ss_base_model_version": "sdxl_base_v1-0", "ss_network_module": "networks.lora", "ss_output_name": "title", "modelspec.trigger_word": "say this", "ss_tag_frequency": string(frequency)}))
	require.NoError(t, err)
	i := fitted.Info()
	require.Equal(t, []any{"x", "sdxl_base_v1-0", "networks.lora", "title", "say this", "", 4}, []any{i.Name, i.Base, i.Trained, i.Title, i.Trigger, i.Family, i.Modules})
	require.Equal(t, "tag 12", i.Tags[0], "counts of folders add up")
	require.Len(t, i.Tags, 12)
	require.Equal(t, []string{"word"}, i.Inverted)
	require.Equal(t, []string{"unknown"}, i.Unused)
	require.Len(t, i.Places, 4)
	require.Equal(t, []adapt.Kind{{Component: "unet", Kind: "full", Modules: 2}, {Component: "unet", Kind: "LoRA", Rank: 2, Alpha: 2, Modules: 1}, {Component: "text_encoder", Kind: "full", Modules: 1}}, i.Kinds)
	require.Equal(t, "2 modules of unet: full", i.Kinds[0].String())
	require.Equal(t, "1 modules of unet: LoRA, rank 2, alpha 2", i.Kinds[1].String())
}

// TestWords: as many vectors and words as there may be, and one more.
func TestWords(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "word.safetensors")
	for n, ok := range map[int]bool{75: true, 76: false} {
		_, err := adapt.OpenEmbedding(write(t, path, map[string]tensor.Shape{"clip_l": {n, 16}, "clip_g": {n, 20}}, nil), 16, 20)
		require.Equal(t, ok, err == nil, "%d: %v", n, err)
	}
	for _, shapes := range []map[string]tensor.Shape{{"clip_l": {1, 20}}, {"clip_g": {1, 16}}, {"clip_l": {1, 17}}, {"x": {1, 17}}, {"x": {1, 1, 16}}, {"x": {0, 16}}} {
		_, err := adapt.OpenEmbedding(write(t, path, shapes, nil), 16, 20)
		require.Error(t, err, shapes)
	}
	e, err := adapt.OpenEmbedding(write(t, path, map[string]tensor.Shape{"<x>": {16}}, nil), 16, 20)
	require.NoError(t, err)
	require.Equal(t, "<x>", e.Token)
	require.Equal(t, tensor.Shape{1, 16}, e.L.Shape())
	require.Nil(t, e.G)
	e, err = adapt.OpenEmbedding(write(t, path, map[string]tensor.Shape{"emb_params": {2, 20}}, nil), 16, 20)
	require.NoError(t, err)
	require.Equal(t, "<word>", e.Token)
	require.Nil(t, e.L)

	words := &adapt.Words{Dir: dir}
	var text strings.Builder
	for n := range 65 {
		name := fmt.Sprintf("Name%02d", n)
		write(t, filepath.Join(dir, name+".safetensors"), map[string]tensor.Shape{"clip_l": {1, 16}}, nil)
		text.WriteString(strings.ToUpper(name) + " ")
		if n < 63 {
			continue
		}
		list, err := words.In([]string{"none", text.String()}, 16, 20)
		require.Equal(t, n < 64, err == nil, "%d: %v", n, err)
		if err == nil {
			require.Len(t, list, 64)
		}
	}
	list, err := words.In([]string{"a name07 b"}, 16, 20)
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.NoError(t, words.Add(path))
	list, err = words.In(nil, 16, 20)
	require.NoError(t, err)
	require.Len(t, list, 1, "what was added is in every text")
}
