package quality

import (
	"context"
	"image"
	"image/color"
	"image/draw"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRunCountsByKind(t *testing.T) {
	red := Object{Shape: "square", Color: 0, X: 64, Y: 64}
	scenes := []Scene{
		{Caption: "a red square", Kind: "single", Objects: []Object{red}},
		{Caption: "two red squares", Kind: "count", Objects: []Object{red, red}},
	}
	paint := func(_ context.Context, _ string, _ int64, s Setting) (*image.NRGBA, error) {
		img := image.NewNRGBA(image.Rect(0, 0, 128, 128))
		draw.Draw(img, img.Bounds(), image.White, image.Point{}, draw.Src)
		if s.Steps > 1 {
			draw.Draw(img, image.Rect(40, 40, 88, 88), image.NewUniform(color.NRGBA{220, 35, 40, 255}), image.Point{}, draw.Src)
		}
		if s.Cache != "" {
			draw.Draw(img, image.Rect(0, 0, 32, 128), image.NewUniform(color.NRGBA{255 - 16, 255 - 16, 255 - 16, 255}), image.Point{}, draw.Src)
		}
		return img, nil
	}
	calls := 0
	tallies, err := Run(context.Background(), scenes, []Setting{{"euler", "normal", 1, 5, ""}, {"euler", "normal", 20, 5, ""}, {"euler", "normal", 20, 5, "deepcache:2"}}, paint,
		func(done, total int) { calls++; require.Equal(t, calls, done); require.Equal(t, 6, total) })
	require.NoError(t, err)
	require.Zero(t, tallies[0].Right[All])
	require.Equal(t, 100.0, tallies[1].Share("single"))
	require.Equal(t, 0.0, tallies[1].Share("count"))
	require.Equal(t, 50.0, tallies[1].Share(All))
	require.Zero(t, tallies[1].PSNR)
	require.InDelta(t, 30.07, tallies[2].PSNR, 0.01, "16 levels in a quarter of the picture")
	var table, csv strings.Builder
	require.NoError(t, WriteTable(&table, tallies))
	require.Contains(t, table.String(), "single (1)")
	require.NoError(t, WriteCSV(&csv, tallies))
	require.Contains(t, csv.String(), "euler,normal,20,5,,all,2,1,1\n")
	var svg strings.Builder
	require.NoError(t, WritePlot(&svg, "svg", tallies))
	require.Contains(t, svg.String(), "euler normal, cfg 5")
	require.Error(t, WritePlot(&svg, "bmp", tallies))
}
