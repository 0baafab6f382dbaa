// Package demo carries a small trained SDXL, so that a picture needs no
// download: about 6 million parameters that know coloured shapes, at 128x128.
// Only programs that import it carry its 12 MB. docs/model.md tells how it was
// trained.
package demo

import (
	"embed"
	"io/fs"

	"github.com/df65613c/easel/sdxl"
)

//go:embed model
var files embed.FS

// Open opens the model.
func Open(opts sdxl.OpenOptions) (*sdxl.Model, error) {
	folder, err := fs.Sub(files, "model")
	if err != nil {
		return nil, err
	}
	return sdxl.OpenFS(folder, "the demo model", opts)
}
