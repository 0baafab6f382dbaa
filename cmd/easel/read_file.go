package main

import (
	"fmt"
	"io"
	"os"
)

// maxTextFile bounds files of texts: 256 MiB are some million lines.
const maxTextFile = 256 << 20

// readTextFile reads a file of texts. One without end, such as a device, is an
// error soon.
func readTextFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTextFile+1))
	if err == nil && len(data) > maxTextFile {
		err = fmt.Errorf("%s: larger than %d MiB", path, maxTextFile>>20)
	}
	return data, err
}
