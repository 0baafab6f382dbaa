package checkpoint

import (
	"bytes"
	"io"
	"os"

	"github.com/df65613c/easel/checkpoint/gguf"
	"github.com/df65613c/easel/checkpoint/pickle"
	"github.com/df65613c/easel/safetensors"
)

// Open opens a file of tensors: GGUF, a file of torch.save, or else
// safetensors. The first bytes of the file decide, not its name. No code in a
// file of torch.save is run.
func Open(path string) (*safetensors.File, error) {
	switch b := start(path); {
	case bytes.HasPrefix(b, []byte("GGUF")):
		return gguf.Open(path)
	case bytes.HasPrefix(b, []byte("PK\x03\x04")), isPickle(b):
		return pickle.Open(path)
	}
	return safetensors.Open(path)
}

// startLen is how many bytes of a file tell its format.
const startLen = 8

// start returns the first bytes of a file, none if it cannot be read: opening it gives the error.
func start(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	b := make([]byte, startLen)
	n, _ := io.ReadFull(f, b)
	return b[:n]
}

// isPickle tells a pickle by its protocol. A safetensors file may begin with the same bytes,
// but these are the length of a short header, with zeros after them.
func isPickle(b []byte) bool {
	return len(b) == startLen && b[0] == 0x80 && 2 <= b[1] && b[1] <= 5 && !bytes.Equal(b[4:], []byte{0, 0, 0, 0})
}
