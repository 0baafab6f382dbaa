//go:build !nodemo

package main

import (
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/demo"
)

// openBuiltin opens the model in the binary. The build tag nodemo leaves it out.
func openBuiltin(opts sdxl.OpenOptions) (*sdxl.Model, error) { return demo.Open(opts) }

// openBuiltinCLIP opens the CLIP pair in the binary.
func openBuiltinCLIP(opts clip.Options) (*clip.Model, error) { return demo.OpenCLIP(opts) }
