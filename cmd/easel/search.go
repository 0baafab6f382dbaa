package main

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"

	"github.com/spf13/cobra"

	"github.com/df65613c/easel/clip"
)

func newSearch() *cobra.Command {
	var model clipFlags
	var picture string
	var count int
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "search [-m MODEL] TEXT VECTORS... | --image PICTURE VECTORS...",
		Short: "Search the vectors of easel clip for those most similar to a text or a picture",
		Long: `Search files that easel clip wrote (.npy, .safetensors, .jsonl) for the vectors nearest to a text or
a picture. The search is exact. Each line is the cosine and the name.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if count < 1 {
				return fmt.Errorf("-n is %d, want 1 or more", count)
			}
			query := ""
			if picture == "" {
				query, args = args[0], args[1:]
			}
			if len(args) == 0 {
				return fmt.Errorf("name the files to search in")
			}
			m, closeModel, err := model.open()
			if err != nil {
				return err
			}
			defer closeModel()
			v, err := queryVector(cmd.Context(), m, query, picture)
			if err != nil {
				return err
			}
			names, flat, err := readVectors(args, m.Dim())
			if err != nil {
				return err
			}
			x, err := clip.IndexOf(m.Dim(), flat)
			if err != nil {
				return err
			}
			found, err := x.TopK(v, count)
			if err != nil {
				return err
			}
			return printMatches(cmd.OutOrStdout(), names, found, asJSON)
		},
	}
	model.add(cmd)
	cmd.Flags().StringVar(&picture, "image", "", "search by this picture")
	cmd.Flags().IntVarP(&count, "count", "n", 10, "how many to print")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print a line of JSON for each")
	return cmd
}

func queryVector(ctx context.Context, m *clip.Model, text, picture string) ([]float32, error) {
	if picture != "" {
		return m.EmbedImageFrom(ctx, func() (image.Image, error) { return openPicture(ctx, picture) })
	}
	v, err := m.EmbedTexts(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

func printMatches(w io.Writer, names []string, found []clip.Match, asJSON bool) error {
	for _, f := range found {
		if asJSON {
			line, err := json.Marshal(map[string]any{"name": names[f.Index], "score": f.Score})
			if err != nil {
				return err
			}
			fmt.Fprintf(w, "%s\n", line)
			continue
		}
		if _, err := fmt.Fprintf(w, "%7.4f  %s\n", f.Score, names[f.Index]); err != nil {
			return err
		}
	}
	return nil
}
