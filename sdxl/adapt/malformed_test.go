package adapt_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/internal/bounded"
	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/adapt"
)

// damage makes a malformed file of a real one, in one of several ways.
func damage(r *rand.Rand, data []byte) []byte {
	data = slices.Clone(data)
	head := min(len(data), 4096) // where names, shapes and instructions are
	switch r.IntN(6) {
	case 0: // cut
		return data[:r.IntN(len(data))]
	case 1: // bytes in the head
		for range 1 + r.IntN(8) {
			data[r.IntN(head)] = byte(r.Uint32())
		}
	case 2: // a number that is far too large
		at := r.IntN(max(head-8, 1))
		binary.LittleEndian.PutUint64(data[at:], 1<<(20+r.IntN(43)))
	case 3: // a part that is missing
		at := r.IntN(head)
		data = slices.Delete(data, at, min(at+1+r.IntN(32), len(data)))
	case 4: // a part that is there twice
		at := r.IntN(head)
		data = slices.Insert(data, at, data[at:min(at+1+r.IntN(64), len(data))]...)
	case 5: // digits of sizes and places
		for i, c := range data[:head] {
			if c >= '0' && c <= '9' && r.IntN(8) == 0 {
				data[i] = '0' + byte(r.IntN(10))
			}
		}
	}
	return data
}

// TestMalformedFiles opens 200 files made of real adapters, GGUF files and files of torch.save, and uses what opens. There is a clear error or none,
// and no memory out of proportion.
func TestMalformedFiles(t *testing.T) {
	var files []string
	for _, pattern := range [][]string{{"adapters", "*.safetensors"}, {"files", "*.gguf"}, {"files", "pickle", "*.*t"}, {"files", "pickle", "*.bin"}, {"inversions", "*.*t"}, {"inversions", "*.bin"}} {
		found, err := filepath.Glob(golden.Path(pattern...))
		require.NoError(t, err)
		found = slices.DeleteFunc(found, func(f string) bool {
			return strings.HasSuffix(f, "-deltas.safetensors") || strings.HasSuffix(f, "latents.safetensors")
		})
		require.NotEmpty(t, found, pattern)
		files = append(files, found...)
	}
	m, err := sdxl.Open(golden.Path("c", "model"), sdxl.OpenOptions{})
	require.NoError(t, err)
	defer m.Close()
	list, err := m.AdapterTargets()
	require.NoError(t, err)
	targets, dir := adapt.NewTargets(list), t.TempDir()
	most := bounded.Cost{Bytes: 4 << 20, BytesPerByte: 64, Time: 5 * time.Second, TimePerByte: 10 * time.Microsecond}
	r, faults := rand.New(rand.NewPCG(1, 2)), 0
	for i := range 200 {
		from := files[i%len(files)]
		data, err := os.ReadFile(from)
		require.NoError(t, err)
		data = damage(r, data)
		path := filepath.Join(dir, fmt.Sprintf("%03d-%s", i, filepath.Base(from)))
		require.NoError(t, os.WriteFile(path, data, 0o600))
		var errs []error
		bounded.Check(t, len(data), most, func() { errs = use(path, targets) })
		for _, err := range errs {
			faults++
			require.Contains(t, err.Error(), filepath.Base(path))
			require.NotContains(t, err.Error(), "runtime error", path)
			require.Less(t, len(err.Error()), 4000, path)
		}
	}
	t.Logf("%d errors", faults)
	require.Greater(t, faults, 150, "most of the files are malformed")
}

// use reads all that there is in a file, as an adapter, as a textual inversion and as a checkpoint.
func use(path string, targets *adapt.Targets) (errs []error) {
	fail := func(err error) bool {
		if err != nil {
			errs = append(errs, err)
		}
		return err != nil
	}
	if _, err := adapt.OpenEmbedding(path, 16, 24); err != nil && !strings.Contains(err.Error(), "textual inversion") {
		fail(err)
	}
	if f, err := adapt.Open(path); !fail(err) {
		defer f.Close()
		if fit, err := f.Fit(targets); !fail(err) && !fail(fit.Err()) {
			_ = adapt.NewSet([]adapt.Use{{Fitted: fit, UNet: 1, Text: 1}}).Key()
		}
	}
	f, err := checkpoint.Open(path)
	if fail(err) {
		return errs
	}
	defer f.Close()
	for _, name := range f.Names() {
		_, err := f.Tensor(name)
		if fail(err) {
			break
		}
	}
	return errs
}
