package safetensors_test

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "model.safetensors")

	bias, _ := tensor.FromSlice([]float32{0.5, -1}, 2)
	err = safetensors.WriteFile(path, map[string]*tensor.Tensor{
		"proj.bias":   bias,
		"proj.weight": tensor.New(tensor.BF16, 2, 3),
	}, map[string]string{"format": "pt"})
	if err != nil {
		panic(err)
	}

	f, err := safetensors.Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		fmt.Println(name, info.DType, info.Shape)
	}
	t, err := f.Tensor("proj.bias")
	if err != nil {
		panic(err)
	}
	fmt.Println(t.Float32s())
	// Output:
	// proj.bias F32 [2]
	// proj.weight BF16 [2 3]
	// [0.5 -1]
}
