// Package demo carries a small trained SDXL, so that a picture needs no
// download: about 6 million parameters that know coloured shapes, at 128x128.
// A CLIP pair of 1.4 MB that knows them too is beside it. Only programs that
// import it carry these 14 MB. docs/model.md tells how both were trained.
package demo

import (
	"embed"
	"io/fs"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/sdxl"
)

//go:embed model clip
var files embed.FS

// OpenCLIP opens a small CLIP pair: vectors of texts and of pictures of
// coloured shapes, with nothing to download.
func OpenCLIP(opts clip.Options) (*clip.Model, error) {
	folder, err := fs.Sub(files, "clip")
	if err != nil {
		return nil, err
	}
	return clip.OpenFS(folder, "the demo CLIP pair", opts)
}

// Open opens the model.
func Open(opts sdxl.OpenOptions) (*sdxl.Model, error) {
	folder, err := fs.Sub(files, "model")
	if err != nil {
		return nil, err
	}
	return sdxl.OpenFS(folder, "the demo model", opts)
}
