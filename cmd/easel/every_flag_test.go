package main

import (
	"bytes"
	"image"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"
	"github.com/stretchr/testify/require"
)

// flagEffect is what a flag of txt2img is tried with.
type flagEffect struct {
	value   string
	beside  string // flags that are set both times, such as the sampler that has the option
	sampler bool   // beside a sampler that adds noise
}

// flagEffects are the flags that change the pixels.
var flagEffects = map[string]flagEffect{
	"negative": {"a moon", "", false}, "prompt-2": {"a star", "", false}, "negative-2": {"a moon", "--negative x", false},
	"prompt-syntax": {"a1111", "", false}, "clip-skip": {"1", "", false}, "style": {"anime", "", false},
	"width": {"72", "", false}, "height": {"72", "", false}, "steps": {"4", "", false}, "cfg": {"9", "", false}, "seed": {"2", "", false},
	"guidance": {"apg", "", false}, "cfg-rescale": {"0.7", "", false}, "cfg-schedule": {"7,5,1", "", false}, "cfg-interval": {"0.2,0.7", "", false}, "cfg-sigmas": {"0.5,5", "", false},
	"apg-eta": {"0.6", "--guidance apg", false}, "apg-norm": {"0.5", "--guidance apg", false}, "apg-momentum": {"0.9", "--guidance apg", false}, "apg-on-output": {"", "--guidance apg", false},
	"threshold": {"0.8", "", false}, "mimic": {"2", "--threshold 0.8", false}, "pag-scale": {"3", "", false}, "pag-layers": {"up_blocks", "--pag-scale 3", false},
	"sag": {"0.9", "", false}, "freeu": {"1.4,1.3,0.7,0.5", "", false},
	"sampler": {"dpmpp_2m", "", false}, "schedule": {"karras", "", false}, "spacing": {"linspace", "", false}, "skip-end": {"0.4", "", false}, "cache": {"deepcache:2", "", false},
	"sigmas": {"14,5,1,0", "", false}, "dialect": {"comfy", "", false},
	"eta": {"0.4", "", true}, "s-noise": {"0.7", "", true}, "s-churn": {"3", "--sampler euler", false}, "s-tmin": {"5", "--sampler euler --s-churn 3", false}, "s-tmax": {"3", "--sampler euler --s-churn 3", false},
	"restart": {"0.5,5,3,3", "--sampler restart --sigmas 14,5,2,0.5,0.1,0", false}, "order": {"1", "--sampler uni_pc", false},
	"seeds": {"7", "", false}, "noise": {"philox", "", false}, "variation-seed": {"9", "--variation-strength 0.5", false}, "variation-strength": {"0.5", "--variation-seed 9 --variation-strength 0.1", false},
	"ensd": {"31337", "--dialect a1111", true}, "index": {"1", "--batch 2", false},
	"original-size": {"300x700", "", false}, "target-size": {"300x700", "", false}, "crop": {"200,10", "", false},
	"negative-original-size": {"300x700", "--negative x", false}, "negative-target-size": {"300x700", "--negative x", false}, "negative-crop": {"200,10", "--negative x", false},
}

// otherFlags change no pixels by themselves, or are tried by other tests: where
// the model comes from, where it runs, what else is written.
var otherFlags = []string{
	"model", "config", "variant", "unet", "vae", "text-encoder", "text-encoder-2", "allow-unused", "threads", "profile", "dtype", "device", "spill-dir", "memory",
	"output", "trace", "help", "prompt", "weighted", "styles", "batch", "noise-file", "save-noise",
	"lora", "lora-dir", "lora-block", "embedding", "embedding-dir", // which take files
}

// TestEveryFlagHasItsEffect: each flag of txt2img changes the picture, or stands in
// the list of those that other tests look after.
func TestEveryFlagHasItsEffect(t *testing.T) {
	dir := t.TempDir()
	draw := func(name string, args ...string) *image.NRGBA {
		path := filepath.Join(dir, name+".png")
		base := []string{"txt2img", "-m", model("c"), "a [red:blue:0.5] (circle:1.6)", "-o", path}
		has := func(flag string) bool {
			text := " " + strings.Join(args, " ") + " "
			return strings.Contains(text, " --"+flag+" ") || strings.Contains(text, " --"+flag+"=")
		}
		for flag, value := range map[string]string{"steps": "3", "width": "64", "height": "64", "seed": "1"} {
			if !has(flag) && !(flag == "seed" && has("seeds")) && !(flag == "steps" && has("sigmas")) {
				base = append(base, "--"+flag, value)
			}
		}
		ok(t, "", append(base, args...)...)
		found, err := filepath.Glob(filepath.Join(dir, name+"*.png"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		data, err := os.ReadFile(found[0])
		require.NoError(t, err)
		img, err := png.Decode(bytes.NewReader(data))
		require.NoError(t, err)
		out := image.NewNRGBA(img.Bounds())
		drawOver(out, img)
		return out
	}
	var missing []string
	newTxt2Img().Flags().VisitAll(func(f *pflag.Flag) {
		e, tried := flagEffects[f.Name]
		if !tried {
			for _, other := range otherFlags {
				if f.Name == other {
					return
				}
			}
			missing = append(missing, f.Name)
			return
		}
		beside := strings.Fields(e.beside)
		if e.sampler {
			beside = append(beside, "--sampler", "euler_a")
		}
		without := draw("without-"+f.Name, beside...)
		set := "--" + f.Name
		if e.value != "" {
			set += "=" + e.value
		}
		with := draw("with-"+f.Name, append(beside, set)...)
		require.False(t, without.Rect == with.Rect && bytes.Equal(without.Pix, with.Pix), "--%s %s has no effect", f.Name, e.value)
	})
	require.Empty(t, missing, "flags that no test looks after")
}

func drawOver(dst *image.NRGBA, src image.Image) {
	draw.Draw(dst, dst.Bounds(), src, src.Bounds().Min, draw.Src)
}
