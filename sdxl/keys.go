package sdxl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/sdxl/unet"
)

// Where the networks lie in an original single-file checkpoint.
const (
	unetPrefix  = "model.diffusion_model."
	vaePrefix   = "first_stage_model."
	textLPrefix = "conditioner.embedders.0.transformer."
	textGPrefix = "conditioner.embedders.1.model."
)

var unetStem = checkpoint.Names{
	{"time_embedding.linear_1", "time_embed.0"},
	{"time_embedding.linear_2", "time_embed.2"},
	{"time_embedding.cond_proj", "time_embed.cond_proj"},
	{"add_embedding.linear_1", "label_emb.0.0"},
	{"add_embedding.linear_2", "label_emb.0.2"},
	{"conv_in", "input_blocks.0.0"},
	{"conv_norm_out", "out.0"},
	{"conv_out", "out.2"},
	{"mid_block.resnets.0", "middle_block.0"},
	{"mid_block.attentions.0", "middle_block.1"},
	{"mid_block.resnets.1", "middle_block.2"},
}

var unetResnet = strings.NewReplacer(
	".norm1.", ".in_layers.0.", ".conv1.", ".in_layers.2.", ".time_emb_proj.", ".emb_layers.1.",
	".norm2.", ".out_layers.0.", ".conv2.", ".out_layers.3.", ".conv_shortcut.", ".skip_connection.")

// unetNames returns what a UNet's modules are called in a single file, below its prefix. The
// blocks are numbered in the order of execution there.
func unetNames(blocks []unet.Block) checkpoint.Names {
	table := slices.Clone(unetStem)
	n := 1
	for i, b := range blocks {
		for j := range b.Layers {
			table = append(table,
				[2]string{fmt.Sprintf("down_blocks.%d.resnets.%d", i, j), fmt.Sprintf("input_blocks.%d.0", n)},
				[2]string{fmt.Sprintf("down_blocks.%d.attentions.%d", i, j), fmt.Sprintf("input_blocks.%d.1", n)})
			n++
		}
		if i < len(blocks)-1 {
			table = append(table, [2]string{fmt.Sprintf("down_blocks.%d.downsamplers.0.conv", i), fmt.Sprintf("input_blocks.%d.0.op", n)})
			n++
		}
	}
	n = 0
	for i := range blocks {
		b := blocks[len(blocks)-1-i]
		for j := range b.Layers + 1 {
			table = append(table,
				[2]string{fmt.Sprintf("up_blocks.%d.resnets.%d", i, j), fmt.Sprintf("output_blocks.%d.0", n)},
				[2]string{fmt.Sprintf("up_blocks.%d.attentions.%d", i, j), fmt.Sprintf("output_blocks.%d.1", n)})
			n++
		}
		part := 1
		if b.Attention {
			part = 2
		}
		table = append(table, [2]string{fmt.Sprintf("up_blocks.%d.upsamplers.0.conv", i),
			fmt.Sprintf("output_blocks.%d.%d.conv", n-1, part)})
	}
	return table
}

// unetKeys returns the finder of a UNet's parameters in a single file, below its prefix.
func unetKeys(blocks []unet.Block) func(string) []checkpoint.Place {
	table := unetNames(blocks)
	return func(name string) []checkpoint.Place {
		key := table.Rename(name)
		if strings.Contains(name, "resnets.") {
			key = unetResnet.Replace(key)
		}
		return checkpoint.At(key)
	}
}

var vaeParts = strings.NewReplacer(
	".mid_block.resnets.0.", ".mid.block_1.", ".mid_block.resnets.1.", ".mid.block_2.", ".mid_block.attentions.0.", ".mid.attn_1.",
	".downsamplers.0.", ".downsample.", ".upsamplers.0.", ".upsample.", ".resnets.", ".block.", ".conv_shortcut.", ".nin_shortcut.",
	".conv_norm_out.", ".norm_out.", ".down_blocks.", ".down.",
	".group_norm.", ".norm.", ".to_q.", ".q.", ".to_k.", ".k.", ".to_v.", ".v.", ".to_out.0.", ".proj_out.")

// vaeKeys returns the finder of a VAE's parameters in a single file, below its prefix. The
// decoder's blocks are numbered from fine to coarse there.
func vaeKeys(levels int) func(string) []checkpoint.Place {
	return func(name string) []checkpoint.Place {
		for i := range levels {
			old := fmt.Sprintf("decoder.up_blocks.%d.", i)
			if rest, ok := strings.CutPrefix(name, old); ok {
				name = fmt.Sprintf("decoder.up.%d.%s", levels-1-i, rest)
				break
			}
		}
		// The replacer's patterns begin and end with a dot that neighbours share.
		for range 2 {
			name = vaeParts.Replace(name)
		}
		return checkpoint.At(name)
	}
}

// folderKeys finds the parameters of a diffusers folder, where names are the
// reference's, but for those that changed over time.
func folderKeys(name string) []checkpoint.Place {
	places := checkpoint.At(name)
	if rest, ok := strings.CutPrefix(name, "text_model."); ok {
		places = append(places, checkpoint.Place{Key: rest})
	}
	if old := oldAttention.Replace(name); old != name {
		places = append(places, checkpoint.Place{Key: old})
	}
	return places
}

// oldAttention holds the names of attention in older VAEs.
var oldAttention = strings.NewReplacer(".to_q.", ".query.", ".to_k.", ".key.", ".to_v.", ".value.", ".to_out.0.", ".proj_attn.")
