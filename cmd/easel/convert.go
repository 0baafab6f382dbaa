package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/safetensors"
	"github.com/df65613c/easel/tensor"
)

func newConvert() *cobra.Command {
	var output, dtype string
	cmd := &cobra.Command{
		Use:   "convert MODEL -o OUT --dtype f16|bf16|f32",
		Short: "Write a checkpoint, or any safetensors file, in another number format",
		Long: `Write a safetensors file, or a folder of them with what lies beside, in another
number format. The weights of a converted file are used where they lie, as any.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			dt, err := tensor.ParseDType(strings.ToUpper(dtype))
			if err != nil {
				return fmt.Errorf("--dtype %q: want f16, bf16 or f32", dtype)
			}
			if output == "" {
				return errors.New("give the file or folder to write with -o")
			}
			info, err := os.Stat(args[0])
			if err != nil {
				return err
			}
			if _, err := os.Stat(output); err == nil {
				return fmt.Errorf("%s exists", output)
			}
			if info.IsDir() {
				return convertFolder(cmd.Context(), args[0], output, dt)
			}
			return convertFile(cmd.Context(), args[0], output, dt)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "file or folder to write")
	cmd.Flags().StringVar(&dtype, "dtype", "bf16", "number format: f16, bf16, f32")
	return cmd
}

func convertFile(ctx context.Context, in, out string, dt tensor.DType) error {
	f, err := safetensors.Open(in)
	if err != nil {
		return err
	}
	defer f.Close()
	return safetensors.Recast(ctx, out, f, dt)
}

// convertFolder writes a folder under a temporary name until all is written.
func convertFolder(ctx context.Context, in, out string, dt tensor.DType) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(out), ".easel-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(work))
		}
	}()
	err = filepath.WalkDir(in, func(path string, d fs.DirEntry, err error) error {
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
			return convertFile(ctx, path, to, dt)
		case strings.HasSuffix(path, ".json"), strings.HasSuffix(path, ".txt"):
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, data, 0o644)
		}
		return nil // weights of other formats, pictures and the like
	})
	if err != nil {
		return err
	}
	if err := os.Chmod(work, 0o755); err != nil {
		return err
	}
	return os.Rename(work, out)
}
