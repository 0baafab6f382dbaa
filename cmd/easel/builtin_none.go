//go:build nodemo

package main

import (
	"errors"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/sdxl"
)

func openBuiltinCLIP(clip.Options) (*clip.Model, error) {
	return nil, errors.New("no model: name one with -m; this program was built without one of its own")
}

func openBuiltin(sdxl.OpenOptions) (*sdxl.Model, error) {
	return nil, errors.New("no model: give one with -m; this program was built without one of its own")
}
