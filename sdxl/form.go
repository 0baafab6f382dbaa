package sdxl

import (
	"fmt"
	"strings"

	"github.com/df65613c/easel/checkpoint"
	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/tensor"
)

// naming is whose names the tensors of a part have.
type naming uint8

const (
	original  naming = iota // of Stability's code, of the VAE's before it, or of OpenCLIP
	diffusers               // of diffusers, or of transformers
)

// form says how a part is named in a single file.
type form struct {
	prefix string
	naming naming
}

// wrappers are what programs put before all names of a checkpoint.
var wrappers = []string{"", "state_dict.", "module.", "model.", "state_dict.module.", "state_dict.model."}

// home is where a part may lie in a file, and a tensor that tells its naming.
type home struct {
	prefixes []string
	telltale string
	naming   naming
}

// transformersText is a tensor of a text encoder under transformers' names, the newest of
// which have no text_model.
const transformersText = "embeddings.token_embedding.weight"

// homes are where programs put the parts of a model, the original first. A part that
// is alone in its file may have no prefix.
var homes = map[string][]home{
	unetPart: {
		{[]string{unetPrefix, "diffusion_model.", "unet."}, "input_blocks.0.0.weight", original},
		{[]string{"unet.", unetPrefix}, "down_blocks.0.resnets.0.conv1.weight", diffusers},
	},
	vaePart: {
		{[]string{vaePrefix, "vae."}, "decoder.up.0.block.0.conv1.weight", original},
		{[]string{"vae.", vaePrefix}, "decoder.up_blocks.0.resnets.0.conv1.weight", diffusers},
	},
	textLPart: {
		{[]string{textLPrefix, "cond_stage_model.transformer.", "cond_stage_model.0.transformer.",
			"text_encoders.clip_l.transformer.", "text_encoders.clip_l.", "clip_l.transformer.", "clip_l.", "text_encoder."},
			"text_model." + transformersText, diffusers},
		{[]string{"text_encoder."}, transformersText, diffusers},
	},
	textGPart: {
		{[]string{textGPrefix, "cond_stage_model.1.model.", "text_encoders.clip_g.", "clip_g."},
			"transformer.resblocks.0.ln_1.weight", original},
		{[]string{"conditioner.embedders.1.transformer.", "cond_stage_model.1.transformer.", "text_encoders.clip_g.transformer.",
			"clip_g.transformer.", "clip_g.", "text_encoder_2."},
			"text_model." + transformersText, diffusers},
		{[]string{"text_encoder_2."}, transformersText, diffusers},
	},
}

// formOf finds a part in a file. Where it may be alone, its names need no prefix.
func formOf(s shapes, part string, alone bool) (form, bool) {
	for _, p := range homes[part] {
		prefixes := p.prefixes
		if alone {
			prefixes = append(prefixes[:len(prefixes):len(prefixes)], "")
		}
		for _, prefix := range prefixes {
			for _, w := range wrappers {
				if s.has(w + prefix + p.telltale) {
					return form{w + prefix, p.naming}, true
				}
			}
		}
	}
	return form{}, false
}

// forms finds all parts of a file. A UNet may be alone in it.
func forms(s shapes) map[string]form {
	found := make(map[string]form)
	for _, part := range folders {
		if f, ok := formOf(s, part, part == unetPart); ok {
			found[part] = f
		}
	}
	return found
}

// ownerOf returns the part with the longest prefix of a key, "" if no part has it.
func ownerOf(found map[string]form, key string) (owner string) {
	longest := -1
	for part, f := range found {
		if strings.HasPrefix(key, f.prefix) && len(f.prefix) > longest {
			owner, longest = part, len(f.prefix)
		}
	}
	return owner
}

// finder returns where the parameters of a part lie.
func (f form) finder(part string, c configs, blocks []unet.Block) func(name string) []checkpoint.Place {
	if f.naming == diffusers {
		return f.prefixed(func(name string) []checkpoint.Place {
			if name == "text_projection.weight" { // as stable-diffusion.cpp names OpenCLIP's
				return append(folderKeys(name), checkpoint.Place{Key: "text_model.text_projection", Transpose: true})
			}
			return folderKeys(name)
		})
	}
	switch part {
	case textGPart:
		return clip.OpenCLIPText(f.prefix, c.textG.HiddenSize)
	case unetPart:
		return f.prefixed(unetKeys(blocks))
	}
	return f.prefixed(vaeKeys(len(c.vae.BlockOutChannels)))
}

func (f form) prefixed(find func(string) []checkpoint.Place) func(string) []checkpoint.Place {
	return func(name string) []checkpoint.Place {
		places := find(name)
		for i := range places {
			places[i].Key = f.prefix + places[i].Key
		}
		return places
	}
}

// of looks up shapes by names without the prefix, and by the original names, whatever the
// file's are.
func (f form) of(s shapes, part string) shapes {
	bare := shapes(func(key string) (tensor.Shape, bool) { return s(f.prefix + key) })
	if f.naming == original {
		return bare
	}
	switch part {
	case unetPart:
		return bare.originalUNet()
	case vaePart:
		return bare.originalVAE()
	}
	return func(key string) (tensor.Shape, bool) {
		shape, ok := bare(key)
		if !ok {
			shape, ok = bare(strings.TrimPrefix(key, "text_model."))
		}
		return shape, ok
	}
}

// originalUNet looks up shapes of a UNet of diffusers by the original names.
func (s shapes) originalUNet() shapes {
	blocks := make([]unet.Block, s.count("down_blocks.%d.resnets.0.conv1.weight"))
	for i := range blocks {
		blocks[i].Layers = s.count(fmt.Sprintf("down_blocks.%d", i) + ".resnets.%d.conv1.weight")
	}
	back := unetNames(blocks)
	for i, pair := range back {
		back[i] = [2]string{pair[1], pair[0]}
	}
	return func(key string) (tensor.Shape, bool) {
		return s(strings.Replace(back.Rename(key), ".in_layers.2.", ".conv1.", 1))
	}
}

// originalVAE looks up shapes of a VAE of diffusers by the original names.
func (s shapes) originalVAE() shapes {
	names := strings.NewReplacer("encoder.down.", "encoder.down_blocks.", ".block.", ".resnets.", "decoder.mid.attn_1.norm.",
		"decoder.mid_block.attentions.0.group_norm.")
	return func(key string) (tensor.Shape, bool) { return s(names.Replace(key)) }
}
