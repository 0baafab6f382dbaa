// Package golden finds the reference models and values in testdata, which
// gen/make_goldens.py made with diffusers, for the tests of other packages.
package golden

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

// Models are the names of the golden models.
var Models = []string{"a", "b", "c"}

// variable names a folder made by gen/make_heldout.py to test with instead.
const variable = "EASEL_GOLDEN"

// Path returns the path of a file or folder of testdata.
func Path(elem ...string) string {
	root := os.Getenv(variable)
	if root == "" {
		root = filepath.Join(Root(), "internal", "golden", "testdata")
	}
	return filepath.Join(append([]string{root}, elem...)...)
}

// Root returns the root of the repository. A test runs in the folder of its
// package, and with -trimpath a program knows of no other.
func Root() string {
	dir, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			panic("golden: no go.mod above the test's folder")
		}
	}
}

// Names returns the names, without .safetensors, of the files in a folder of testdata.
func Names(t testing.TB, elem ...string) []string {
	return NamesIn(t, Path(elem...))
}

// NamesIn returns the names, without .safetensors, of the files in a folder.
func NamesIn(t testing.TB, folder string) []string {
	files, err := filepath.Glob(filepath.Join(folder, "*.safetensors"))
	require.NoError(t, err)
	require.NotEmpty(t, files, "no references in %s", folder)
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".safetensors")
	}
	return files
}

// Tensors reads all tensors of a file.
func Tensors(t testing.TB, path string) map[string]*tensor.Tensor {
	f, err := safetensors.Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	m := make(map[string]*tensor.Tensor)
	for _, name := range f.Names() {
		m[name], err = f.Tensor(name)
		require.NoError(t, err)
	}
	return m
}

// RelErr returns |got - want| / |want| in the L2 norm; NaN and another length
// are infinite.
func RelErr(got, want []float32) float64 {
	if len(got) != len(want) {
		return math.Inf(1)
	}
	var diff, norm float64
	for i, w := range want {
		d := float64(got[i]) - float64(w)
		diff += d * d
		norm += float64(w) * float64(w)
	}
	e := math.Sqrt(diff)
	if norm > 0 {
		e /= math.Sqrt(norm)
	}
	if math.IsNaN(e) {
		return math.Inf(1)
	}
	return e
}
