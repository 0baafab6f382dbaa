package checkpoint

import (
	"io"
	"os"

	"github.com/df65613c/easel/checkpoint/gguf"
	"github.com/df65613c/easel/safetensors"
)

// Open opens a file of tensors by what it begins with, not by its name: GGUF, or
// else safetensors.
func Open(path string) (*safetensors.File, error) {
	switch start(path) {
	case "GGUF":
		return gguf.Open(path)
	}
	return safetensors.Open(path)
}

// start returns the first bytes of a file, "" if it cannot be read: opening it gives the error.
func start(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	var b [4]byte
	n, _ := io.ReadFull(f, b[:])
	return string(b[:n])
}
