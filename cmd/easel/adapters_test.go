package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/df65613c/easel/internal/golden"
	"github.com/df65613c/easel/internal/imagefile"
)

// TestLoRAFlags: a LoRA changes the picture, the same in both of its layouts, and at
// a weight of 0 it does not.
func TestLoRAFlags(t *testing.T) {
	dir := t.TempDir()
	companion := func(name string) string {
		return filepath.Join(golden.Root(), "sdxl", "demo", "companions", name+".safetensors")
	}
	picture := func(args ...string) []byte {
		path := filepath.Join(dir, "x.png")
		ok(t, "", append([]string{"txt2img", "--steps", "2", "--seed", "3", "--width", "64", "--height", "64", "-o", path}, args...)...)
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		img, err := imagefile.Decode(t.Context(), data, imagefile.Limits{Pixels: 1 << 20, Side: 1 << 10})
		require.NoError(t, err)
		return img.Pix
	}
	plain := picture("a house")
	house := picture("a house", "--lora", companion("house")+":0.8")
	require.NotEqual(t, plain, house)
	require.Equal(t, plain, picture("a house", "--lora", companion("house")+":0"))
	require.Equal(t, house, picture("a house<lora:house:0.8>", "--prompt-syntax", "a1111", "--lora-dir", filepath.Dir(companion("house"))))
	require.NotEqual(t, house, picture("a house", "--lora", companion("house")+":0.8:0"))
	require.Equal(t, plain, picture("a house", "--lora", companion("house")+":0:0", "--lora", companion("blueprint")+":0"))
	for args, fault := range map[[2]string]string{
		{"--lora", companion("none")}:      "no such file",
		{"--lora-dir", companion("house")}: "want a folder that is there",
		{"--lora-block", "x:y=1"}:          "--lora gives no x",
		{"--lora", companion("badge")}:     "it looks like a textual inversion",
	} {
		_, _, err := run(t, t.Context(), "", "txt2img", "a star", "-o", filepath.Join(dir, "y.png"), args[0], args[1])
		require.ErrorContains(t, err, fault)
	}
}

func TestInspectLoRA(t *testing.T) {
	path := golden.Path("adapters", "kohya-sgm.safetensors")
	out, _ := ok(t, "", "inspect", path, "--for", golden.Path("c", "model"), "--tensors")
	for _, line := range []string{"base       sdxl_base_v1-0", "of unet: LoRA, rank 4, alpha 2", "modules of text_encoder: LoRA, rank 4, alpha 2",
		"mapped     unet/mid_block.attentions.0.transformer_blocks.0.attn1.to_q <- lora_unet_middle_block_1_transformer_blocks_0_attn1_to_q"} {
		require.Contains(t, out, line)
	}
	_, _, err := run(t, t.Context(), "", "inspect", path) // of other sizes than SDXL's
	require.ErrorContains(t, err, "does not fit the model")
}
