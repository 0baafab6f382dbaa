package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/internal/imageout"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

func newVerify() *cobra.Command {
	var model modelFlags
	var input string
	var memory bytesFlag
	cmd := &cobra.Command{
		Use:   "verify PICTURE",
		Short: "Make a picture again from the parameters in it, and compare the bytes",
		Long: `Make a picture again from the parameters in it, and compare the bytes. The exit status is not 0 if
they differ: because the model is another one, the picture was changed, or it started from another
picture than -i.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := args[0]
			want, err := imagefile.Read(path)
			if err != nil {
				return err
			}
			parameters, err := request.DecodeParameters(bytes.NewReader(want))
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			o := *parameters
			switch {
			case parameters.Strength != nil && input == "":
				return fmt.Errorf("%s: started from a picture; give it with -i", path)
			case parameters.Strength == nil && input != "":
				return fmt.Errorf("-i %s: %s started from a text alone", input, path)
			case input != "":
				if o.Image, err = readImage(cmd.Context(), input); err != nil {
					return err
				}
			}
			pipe, closePipe, err := model.pipeline(cmd, sdxl.AllParts, sdxl.PipelineOptions{Memory: memory.n, Keep: -1})
			if err != nil {
				return err
			}
			defer closePipe()
			bar := newProgress(cmd.ErrOrStderr())
			o.Progress = bar.step
			result, err := pipe.Generate(cmd.Context(), o)
			bar.end()
			if err != nil {
				return err
			}
			if err := compare(cmd.Context(), want, result, *parameters); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: the same %d bytes\n", path, len(want))
			return err
		},
	}
	model.add(cmd)
	model.dtype.add(cmd)
	model.device.add(cmd)
	cmd.Flags().Var(&memory, "memory", "memory to use in addition to the model's file, such as 2GiB (default: no limit)")
	cmd.Flags().StringVarP(&input, "image", "i", "", "picture that image-to-image started from")
	return cmd
}

// compare returns nil if one of the result's pictures, written with the
// parameters that the file holds, has the bytes of the file; else how it differs
// from the nearest.
func compare(ctx context.Context, want []byte, result *sdxl.Result, parameters sdxl.Options) error {
	format, err := imageout.Detect(want)
	if err != nil {
		return err
	}
	old, err := request.DecodeImage(ctx, want)
	if err != nil {
		return err
	}
	fewest := -1
	for _, img := range result.Images {
		var got bytes.Buffer
		if err := encodePicture(&got, format, img, parameters); err != nil {
			return err
		}
		if bytes.Equal(got.Bytes(), want) {
			return nil
		}
		again, err := request.DecodeImage(ctx, got.Bytes())
		if err != nil {
			return err
		}
		if n := differing(old, again); fewest < 0 || n < fewest {
			fewest = n
		}
	}
	if fewest == 0 {
		return errors.New("the same pixels, in a file of other bytes: it was written anew, or by another version of the program")
	}
	b := result.Images[0].Bounds()
	return fmt.Errorf("differs from what this model makes in %d of %d pixels", fewest, b.Dx()*b.Dy())
}

// differing counts the pixels of b that a has not.
func differing(a, b image.Image) int {
	n := 0
	for y := range b.Bounds().Dy() {
		for x := range b.Bounds().Dx() {
			at := a.Bounds().Min.Add(image.Pt(x, y))
			p, q := rgba(a, at), rgba(b, image.Pt(x, y))
			if !at.In(a.Bounds()) || p != q {
				n++
			}
		}
	}
	return n
}

func rgba(m image.Image, p image.Point) [4]uint32 {
	r, g, b, a := m.At(p.X, p.Y).RGBA()
	return [4]uint32{r, g, b, a}
}
