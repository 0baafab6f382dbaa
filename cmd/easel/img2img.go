package main

import (
	"errors"
	"fmt"
	"image"
	_ "image/jpeg" // input pictures
	_ "image/png"
	"os"

	"github.com/spf13/cobra"
	_ "golang.org/x/image/webp"

	"github.com/df65613c/easel/sdxl"
)

// maxInputPixels keeps a picture's header from asking for more memory than there is.
const maxInputPixels = 1 << 26

func newImg2Img() *cobra.Command {
	var f pictureFlags
	var input string
	var strength float64
	cmd := &cobra.Command{
		Use:   "img2img -m MODEL -p TEXT -i IMAGE -o FILE.png",
		Short: "Make a picture from a text and a picture",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.run(cmd, func(o *sdxl.Options) error {
				if input == "" {
					return errors.New("no picture: give one with -i")
				}
				img, err := readImage(input)
				o.Image, o.Strength = img, &strength
				return err
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&input, "image", "i", "", "picture to start from (PNG, JPEG or WebP)")
	cmd.Flags().Float64Var(&strength, "strength", sdxl.DefaultStrength, "how far to leave the picture, 0 to 1: the share of the steps that are run; --dialect a1111 and comfy count as these do")
	return cmd
}

func readImage(path string) (image.Image, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	c, _, err := image.DecodeConfig(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if c.Width*c.Height > maxInputPixels {
		return nil, fmt.Errorf("%s: %dx%d is too large, at most %d pixels", path, c.Width, c.Height, maxInputPixels)
	}
	if _, err := r.Seek(0, 0); err != nil {
		return nil, err
	}
	img, _, err := image.Decode(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return img, nil
}
