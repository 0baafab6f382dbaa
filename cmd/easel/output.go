package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/internal/imagefile"
	"github.com/df65613c/easel/internal/imageout"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/request"
)

// The name of standard input and output in place of a file's.
const (
	standardInput  = "-"
	standardOutput = "-"
)

// checkWritable returns an error if path could not be written, before time is spent.
func checkWritable(path string) error {
	if path == standardOutput {
		return nil
	}
	return atomicfile.Check(path)
}

// writeOutput writes a file, or standard output where its name stands.
func writeOutput(cmd *cobra.Command, path string, write func(w io.Writer) error) error {
	if path != standardOutput {
		return atomicfile.Write(path, write)
	}
	if err := write(cmd.OutOrStdout()); err != nil {
		return fmt.Errorf("standard output: %w", err)
	}
	return nil
}

// isStream reports whether path is what holds no more than one file: standard
// output, a pipe or a device.
func isStream(path string) bool {
	if path == standardOutput {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// pictureFormat returns the format of a picture to write at path.
func pictureFormat(path string) (imageout.Format, error) {
	if isStream(path) {
		return imageout.PNG, nil
	}
	return imageout.FormatOf(path)
}

// encodePicture writes a picture with the parameters that made it, where
// inspect, verify and other programs look for them.
func encodePicture(w io.Writer, format imageout.Format, img image.Image, o sdxl.Options) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	return imageout.Encode(w, format, img, []imagefile.Text{
		{Keyword: request.ParametersKey, Text: string(text)}, {Keyword: request.InfotextKey, Text: request.Infotext(&o)},
	})
}

// writePicture writes a picture and its parameters. A JPEG has no room for very
// long ones: then it is written without, and a line on standard error says so.
func writePicture(cmd *cobra.Command, path string, img image.Image, o sdxl.Options) error {
	format, err := pictureFormat(path)
	if err != nil {
		return err
	}
	err = writeOutput(cmd, path, func(w io.Writer) error { return encodePicture(w, format, img, o) })
	if errors.Is(err, imageout.ErrTextTooLong) {
		cmd.PrintErrf("%v\n", err)
		return writeOutput(cmd, path, func(w io.Writer) error { return imageout.Encode(w, format, img, nil) })
	}
	return err
}
