package kernel

import (
	"bytes"
	"compress/bzip2"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

//go:embed kernels.ptx.bz2
var packed []byte

// texts returns the PTX of kernels by their names.
var texts = sync.OnceValues(func() (map[string]string, error) {
	all, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(packed)))
	if err != nil {
		return nil, fmt.Errorf("the PTX of kernels: %w", err)
	}
	list := make(map[string]string)
	for part := range strings.SplitSeq(string(all), "// ") {
		name, text, _ := strings.Cut(part, "\n")
		list[name] = text
	}
	return list, nil
})

// PTX returns the code of a kernel for CUDA by its name, with the constants of a variant in
// it: the driver's compiler drops what they rule out.
func PTX(name string, spec [Specs]uint32) (string, error) {
	list, err := texts()
	if err != nil {
		return "", err
	}
	text, ok := list[name]
	if !ok {
		return "", fmt.Errorf("there is no PTX of kernel %s", name)
	}
	var pairs []string
	for i, v := range spec {
		pairs = append(pairs, "SPEC_"+strconv.Itoa(i), strconv.FormatUint(uint64(v), 10))
	}
	return strings.NewReplacer(pairs...).Replace(text), nil
}
