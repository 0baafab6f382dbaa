// Package picturetest compares whole pictures with those of the reference.
package picturetest

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl"
)

// Case is a picture of pictures.py: its parameters. What is nil, zero or empty
// is left to diffusers and to the model's folder.
type Case struct {
	Name     string
	Prompt   string
	Negative *string
	Width    int
	Height   int
	Steps    int
	CFG      *float64
	Rescale  float64 `json:"guidance_rescale"`
	Seed     int64
	Sampler  string
	Schedule string
	Spacing  string
	Batch    *int
	Original *[2]int // width, height
	Target   *[2]int // width, height
	Crop     *[2]int // left, top
	// Of the negative side.
	NegativeOriginal *[2]int `json:"negative_original"`
	NegativeTarget   *[2]int `json:"negative_target"`
	NegativeCrop     *[2]int `json:"negative_crop"`
	Image            bool    // starts from input.png
	Strength         *float64
	Cache            string
}

// ReadCase reads the options of a picture.
func ReadCase(t testing.TB, folder, name string) Case {
	data, err := os.ReadFile(filepath.Join(folder, name+".json"))
	require.NoError(t, err)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields() // a parameter that is not read would be a case that is not tested
	var c Case
	require.NoError(t, d.Decode(&c))
	return c
}

// Options returns the case as a pipeline takes it.
func (c *Case) Options(t testing.TB, folder string) sdxl.Options {
	o := sdxl.Options{
		Prompt: c.Prompt, Negative: c.Negative, Width: c.Width, Height: c.Height, Steps: &c.Steps, CFG: c.CFG,
		Seed: &c.Seed, Batch: c.Batch,
		Sampler: c.Sampler, Schedule: c.Schedule, Spacing: c.Spacing, Strength: c.Strength, Cache: c.Cache,
	}
	o.Guidance.Rescale = c.Rescale
	size := func(v *[2]int) *sdxl.Size {
		if v == nil {
			return nil
		}
		return &sdxl.Size{Width: v[0], Height: v[1]}
	}
	o.OriginalSize, o.TargetSize = size(c.Original), size(c.Target)
	o.NegativeOriginalSize, o.NegativeTargetSize = size(c.NegativeOriginal), size(c.NegativeTarget)
	if c.NegativeCrop != nil {
		o.NegativeCrop = &sdxl.Corner{X: c.NegativeCrop[0], Y: c.NegativeCrop[1]}
	}
	if c.Crop != nil {
		o.Crop = sdxl.Corner{X: c.Crop[0], Y: c.Crop[1]}
	}
	if c.Image {
		o.Image = ReadPNG(t, filepath.Join(folder, "input.png"))
	}
	return o
}

// ReadPNG reads a picture.
func ReadPNG(t testing.TB, path string) image.Image {
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	img, err := png.Decode(f)
	require.NoError(t, err)
	return img
}
