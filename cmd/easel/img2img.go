package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

func newImg2Img() *cobra.Command {
	var f pictureFlags
	var input string
	var strength float64
	cmd := &cobra.Command{
		Use:   "img2img [PROMPT] -m MODEL -i IMAGE -o FILE",
		Short: "Make a picture from a text and a picture",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args, func(o *sdxl.Options) error {
				if input == "" {
					return errors.New("no picture: give one with -i")
				}
				img, err := readInput(cmd, input)
				o.Image, o.Strength = img, &strength
				return err
			})
		},
	}
	f.add(cmd)
	cmd.Flags().StringVarP(&input, "image", "i", "",
		"picture to start from (PNG, JPEG, WebP, GIF, BMP or TIFF), - for standard input")
	cmd.Flags().Float64Var(&strength, "strength", sdxl.DefaultStrength,
		"how far to leave the picture, 0 to 1: the share of the steps that are run; --dialect a1111 and comfy count as these do")
	return cmd
}

// readInput reads a picture to start from, also from standard input.
func readInput(cmd *cobra.Command, path string) (image.Image, error) {
	if path != standardInput {
		return readImage(cmd.Context(), path)
	}
	data, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), imagefile.MaxFile))
	if err != nil {
		return nil, err
	}
	img, err := request.DecodeImage(cmd.Context(), data)
	if err != nil {
		return nil, fmt.Errorf("standard input %w", err)
	}
	return img, nil
}

// readImage reads a picture to start from.
func readImage(ctx context.Context, path string) (image.Image, error) {
	data, err := imagefile.Read(path)
	if err != nil {
		return nil, err
	}
	img, err := request.DecodeImage(ctx, data)
	if err != nil {
		return nil, fmt.Errorf("%s %w", path, err)
	}
	return img, nil
}
