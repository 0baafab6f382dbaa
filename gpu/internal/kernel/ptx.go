package kernel

import (
	"bytes"
	"compress/gzip"
	"embed"
	"fmt"
	"io"
	"strconv"
	"strings"
)

//go:embed ptx/*.ptx.gz
var texts embed.FS

// PTX returns the code of a kernel for CUDA by the name of its file, with the constants of
// a variant in it: the driver's compiler drops what they rule out.
func PTX(name string, spec [Specs]uint32) (string, error) {
	packed, err := texts.ReadFile("ptx/" + name + ".ptx.gz")
	if err != nil {
		return "", fmt.Errorf("kernel %s: %w", name, err)
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", fmt.Errorf("kernel %s: %w", name, err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return "", fmt.Errorf("kernel %s: %w", name, err)
	}
	var pairs []string
	for i, v := range spec {
		pairs = append(pairs, "SPEC_"+strconv.Itoa(i), strconv.FormatUint(uint64(v), 10))
	}
	return strings.NewReplacer(pairs...).Replace(string(text)), nil
}
