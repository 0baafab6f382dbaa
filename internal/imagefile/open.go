package imagefile

import (
	"context"
	"fmt"
	"image"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// MaxFile is the largest file that is read, in bytes.
const MaxFile = 1 << 30

// extensions are the ends of names of files that Decode reads.
var extensions = []string{".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

// Named reports whether a file's name is that of a picture that Decode reads.
func Named(path string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(path)))
}

// Read reads a picture's file, of up to 1 GiB.
func Read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err == nil && len(data) > MaxFile {
		err = fmt.Errorf("%s: larger than %d MiB", path, MaxFile>>20)
	}
	return data, err
}

// Open decodes a picture from a file, with its alpha.
func Open(ctx context.Context, path string, l Limits) (*image.NRGBA, error) {
	data, err := Read(path)
	if err != nil {
		return nil, err
	}
	img, err := DecodeAlpha(ctx, data, l)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return img, nil
}
