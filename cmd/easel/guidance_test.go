package main

import (
	"image"
	"image/draw"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/sdxl/request"
)

// Each way of guidance makes another picture, which says how and can be made again.
func TestGuidanceIsInThePicture(t *testing.T) {
	if testing.Short() {
		t.Skip("thirteen pictures, each made twice")
	}
	dir := t.TempDir()
	seen := map[string]string{}
	for name, args := range map[string][]string{
		"plain":    nil,
		"cfg++":    {"--guidance", "cfg++"},
		"apg":      {"--guidance", "apg", "--apg-norm", "4"},
		"rescale":  {"--cfg-rescale", "0.7"},
		"interval": {"--cfg-interval", "0.34,1"},
		"sigmas":   {"--cfg-sigmas", "0.5,12"},
		"linear":   {"--cfg-schedule", "linear"},
		"numbers":  {"--cfg-schedule", "7,3"},
		"mimic":    {"--mimic", "2"},
		"pag":      {"--pag-scale", "3"},
		"sag":      {"--sag", "0.75"},
		"freeu":    {"--freeu", "1.3,1.4,0.9,0.2"},
		"cache":    {"--cache", "first-block:0.9"},
	} {
		path := filepath.Join(dir, name+".png")
		ok(t, "", append([]string{"txt2img", "-m", model("a"), "-p", "x", "--steps", "3", "--seed", "4", "--width", "64", "--height", "64", "-o", path}, args...)...)
		ok(t, "", "verify", "-m", model("a"), path)
		f, err := os.Open(path)
		require.NoError(t, err)
		p, err := request.DecodeParameters(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, name == "plain", p.Guidance.IsZero() && p.PAG == nil && p.SAG == 0 && p.FreeU == nil && p.Cache == "")
		img, err := readImage(t.Context(), path)
		require.NoError(t, err)
		pixels := string(pixelsOf(img))
		require.Empty(t, seen[pixels], name)
		seen[pixels] = name
	}
}

func TestPlanCountsGuidance(t *testing.T) {
	out, _ := ok(t, "", "plan", "-m", model("a"), "--steps", "3", "--sag", "0.75", "--pag-scale", "3", "--guidance", "cfg++")
	require.Regexp(t, `unet-pag +3 +1 `, out)
	require.Regexp(t, `unet-sag +3 +1 `, out)
}

func TestGuidanceFaults(t *testing.T) {
	dir := t.TempDir()
	for want, args := range map[string][]string{
		`guidance is "magic", want cfg, cfg++, apg`:           {"--guidance", "magic"},
		"cfg is 5, want 0 to 1 for cfg++":                     {"--guidance", "cfg++", "--cfg", "5"},
		"cfg rescale is 2, want 0 to 1":                       {"--cfg-rescale", "2"},
		"want constant, linear, cosine, or numbers":           {"--cfg-schedule", "steep"},
		"cfg interval is [0.8 0.2], want two rising shares":   {"--cfg-interval", "0.8,0.2"},
		"apg is given, want that only where guidance is apg":  {"--apg-eta", "1"},
		"sag is NaN, want 0 to 100":                           {"--sag", "NaN"},
		"freeu is 0,1,1,1, want b1,b2,s1,s2 above 0":          {"--freeu", "0,1,1,1"},
		"want four numbers B1,B2,S1,S2":                       {"--freeu", "1,2,3"},
		"want a threshold above 0 and up to 1":                {"--cache", "first-block:0"},
		"cfg sigmas is [NaN 2], want two rising noise levels": {"--cfg-sigmas", "NaN,2"},
	} {
		_, _, err := run(t, t.Context(), "", append([]string{"txt2img", "-m", model("a"), "-p", "x", "-o", filepath.Join(dir, "out.png")}, args...)...)
		require.ErrorContains(t, err, want)
		requireEmpty(t, dir)
	}
}

func pixelsOf(img image.Image) []byte {
	n := image.NewNRGBA(img.Bounds())
	draw.Draw(n, n.Rect, img, n.Rect.Min, draw.Src)
	return n.Pix
}
