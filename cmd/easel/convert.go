package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/checkpoint/gguf"
	"github.com/df65613c/easel/internal/atomicfile"
	"github.com/df65613c/easel/internal/hubcache"
	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/safetensors/quantised"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/tensor"
)

func newConvert() *cobra.Command {
	var output, dtype, config string
	var lora adapterFlags
	cmd := &cobra.Command{
		Use:   "convert MODEL -o OUT --dtype DTYPE",
		Short: "Write a checkpoint in another number format or file format",
		Long: `Write a checkpoint (safetensors, GGUF or .ckpt), or a folder of safetensors files with the other
files in it, in another number format: f32, f16, bf16, or quantised: int8 (a scale for each row), q8
and q4 (a scale for each 32 numbers). The weights of a converted file are mapped like those of any
other. Floats of 64 and 8 bits (F64, F8_E4M3, F8_E5M2) are read too.

A file whose name ends in .gguf is written as GGUF, in f32, f16, bf16, q8_0, q5_1, q5_0, q4_1 or
q4_0. With "keep" numbers stay as they are. Quantised tensors are not quantised again. GGUF's types
can be converted to f32, f16 and bf16.

With --lora the file written has the changes of LoRAs and their kin in its weights, and draws as the
model does with them.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := newConversion(dtype)
			if err != nil {
				return err
			}
			if output == "" {
				return errors.New("give the file or folder to write with -o")
			}
			in, err := hubcache.Find(args[0])
			if err != nil {
				return err
			}
			info, err := os.Stat(in)
			if err != nil {
				return err
			}
			if _, err := os.Stat(output); err == nil {
				return fmt.Errorf("%s exists", output)
			}
			if lora.used != nil {
				done, err := c.fuse(in, config, &lora)
				if err != nil {
					return err
				}
				defer done()
			} else if config != "" {
				return errors.New("--config is for --lora, which is not given")
			}
			if info.IsDir() {
				return c.folder(cmd.Context(), in, output)
			}
			return c.file(cmd.Context(), in, "", output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file or folder to write")
	cmd.Flags().StringVar(&dtype, "dtype", "bf16", "number format: "+strings.Join(conversions(), ", "))
	cmd.Flags().StringVar(&config, "config", "", "diffusers folder whose configuration a single file takes, for --lora")
	lora.addFuse(cmd)
	return cmd
}

// conversion is to a type, or if there is a scheme to that. Neither keeps numbers as they are.
type conversion struct {
	dtype  tensor.DType
	scheme quantised.Scheme
	fusion *sdxl.Fusion // what LoRAs make of the weights; nil is none
}

const keepNumbers = "keep"

// conversions lists the names of all.
func conversions() []string {
	names := []string{"f32", "f16", "bf16"}
	for _, s := range quantised.Schemes() {
		names = append(names, string(s))
	}
	for _, dt := range gguf.Quantisations() {
		names = append(names, strings.ToLower(dt.String()))
	}
	return append(names, keepNumbers)
}

func newConversion(name string) (c conversion, err error) {
	if !slices.Contains(conversions(), name) {
		return c, fmt.Errorf("--dtype %q: want one of %s", name, strings.Join(conversions(), ", "))
	}
	if s := quantised.Scheme(name); slices.Contains(quantised.Schemes(), s) {
		return conversion{scheme: s}, nil
	}
	if name != keepNumbers {
		c.dtype, err = tensor.ParseDType(strings.ToUpper(name))
	}
	return c, err
}

func isGGUF(path string) bool { return strings.EqualFold(filepath.Ext(path), ".gguf") }

// file converts a file of a part, by its folder, or with "" a single file.
func (c conversion) file(ctx context.Context, in, part, out string) error {
	f, err := checkpoint.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	if c.fusion != nil {
		if err := c.fused(ctx, f, part, out); err != nil || part != "" {
			return err
		}
		return c.fusion.Left()
	}
	toGGUF := isGGUF(out)
	switch s := quantised.Of(f); {
	case s != "" && (toGGUF || c.scheme == "" && c.dtype != tensor.Invalid):
		return fmt.Errorf("%s is quantised (%s): convert the original", in, s)
	case toGGUF && c.scheme != "":
		return fmt.Errorf("%s: a GGUF file is not written in %s; want f32, f16, bf16 or one of %v", out, c.scheme, gguf.Quantisations())
	case toGGUF:
		return gguf.WriteFile(ctx, out, f, c.dtype)
	case c.dtype.Blocked():
		return fmt.Errorf("%s: %s is written to files whose name ends in .gguf", out, c.dtype)
	case c.scheme != "":
		return quantised.Write(ctx, out, f, c.scheme)
	}
	return safetensors.Recast(ctx, out, f, c.dtype)
}

// folder writes a folder that is there whole or not at all.
func (c conversion) folder(ctx context.Context, in, out string) error {
	return atomicfile.WriteFolder(out, func(work string) error {
		err := filepath.WalkDir(in, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			name, err := filepath.Rel(in, path)
			if err != nil {
				return err
			}
			to := filepath.Join(work, name)
			switch {
			case d.IsDir():
				return os.MkdirAll(to, 0o755)
			case filepath.Ext(path) == ".safetensors":
				part, _, _ := strings.Cut(filepath.ToSlash(name), "/")
				return c.file(ctx, path, part, to)
			case strings.HasSuffix(path, ".json"), strings.HasSuffix(path, ".txt"):
				data, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				return atomicfile.Write(to, func(w io.Writer) error {
					_, err := w.Write(data)
					return err
				})
			}
			return nil // weights of other formats, pictures and the like
		})
		if err != nil || c.fusion == nil {
			return err
		}
		return c.fusion.Left()
	})
}
