package clip

import (
	"slices"
	"strings"

	"github.com/df65613c/easel/checkpoint"
)

// folderPlaces returns the finder of parameters in a folder as Hugging Face
// publishes it, for the heads of SigLIP's image tower of some width. Files of a
// tower alone may lack the tower's name.
func folderPlaces(width int) func(string) []checkpoint.Place {
	return func(name string) []checkpoint.Place {
		places := headPlaces(name, width)
		for _, tower := range []string{textModel, visionModel} {
			if rest, ok := strings.CutPrefix(name, tower+"."); ok {
				for _, p := range slices.Clone(places) {
					p.Key = strings.Replace(p.Key, name, rest, 1)
					p.Key = strings.TrimPrefix(p.Key, tower+".")
					places = append(places, p)
				}
			}
		}
		return places
	}
}

// headPlaces finds a parameter under its own name, but q, k and v of SigLIP's
// head, which are rows of one matrix.
func headPlaces(name string, width int) []checkpoint.Place {
	const head = "vision_model.head.attention."
	rest, ok := strings.CutPrefix(name, head)
	if !ok {
		return checkpoint.At(name)
	}
	return fused(head+"in_proj_", rest, width, checkpoint.At(name))
}

// projections are the rows of a fused matrix of attention, in order.
var projections = []string{"q_proj.", "k_proj.", "v_proj."}

// fused returns the rows of a fused matrix that a part such as q_proj.weight has,
// or other if it is not a part of it.
func fused(key, part string, width int, other []checkpoint.Place) []checkpoint.Place {
	for i, p := range projections {
		if kind, ok := strings.CutPrefix(part, p); ok {
			return []checkpoint.Place{{Key: key + kind, From: i * width, To: (i + 1) * width}}
		}
	}
	return other
}

// notParameters are tensors of CLIP's files that are no network's.
var notParameters = []string{"position_ids", "logit_scale", "logit_bias", "attn_mask", "num_batches_tracked"}

// parameter reports whether a tensor of a file should be some tower's.
func parameter(key string) bool {
	return !slices.Contains(notParameters, key[strings.LastIndex(key, ".")+1:])
}

// ofText and ofVision report whether a tensor of a folder's file belongs to a tower.
func ofText(key string) bool {
	return parameter(key) && (strings.HasPrefix(key, textModel+".") || strings.HasPrefix(key, "text_projection."))
}

func ofVision(key string) bool {
	return parameter(key) && (strings.HasPrefix(key, visionModel+".") || strings.HasPrefix(key, "visual_projection."))
}

var openCLIPText = checkpoint.Names{
	{"text_model.embeddings.token_embedding.weight", "token_embedding.weight"},
	{"text_model.embeddings.position_embedding.weight", "positional_embedding"},
	{"text_model.final_layer_norm.", "ln_final."},
	{"text_model.encoder.layers.", "transformer.resblocks."},
}

var openCLIPVision = checkpoint.Names{
	{"vision_model.embeddings.class_embedding", "visual.class_embedding"},
	{"vision_model.embeddings.patch_embedding.", "visual.conv1."},
	{"vision_model.embeddings.position_embedding.weight", "visual.positional_embedding"},
	{"vision_model.pre_layrnorm.", "visual.ln_pre."},
	{"vision_model.post_layernorm.", "visual.ln_post."},
	{"vision_model.encoder.layers.", "visual.transformer.resblocks."},
}

var openCLIPParts = strings.NewReplacer(
	".layer_norm1.", ".ln_1.", ".layer_norm2.", ".ln_2.", ".mlp.fc1.", ".mlp.c_fc.", ".mlp.fc2.", ".mlp.c_proj.",
	".self_attn.out_proj.", ".attn.out_proj.")

// OpenCLIPText returns the finder of a text tower's parameters in a file with
// OpenCLIP's names, below a prefix: q, k and v are one matrix there, and the
// projection is transposed.
func OpenCLIPText(prefix string, width int) func(string) []checkpoint.Place {
	return openCLIP(prefix, width, openCLIPText, "text_projection.weight", "text_projection")
}

// openCLIPImage is OpenCLIPText for the image tower.
func openCLIPImage(prefix string, width int) func(string) []checkpoint.Place {
	return openCLIP(prefix, width, openCLIPVision, "visual_projection.weight", "visual.proj")
}

func openCLIP(prefix string, width int, names checkpoint.Names, projection, key string) func(string) []checkpoint.Place {
	return func(name string) []checkpoint.Place {
		if name == projection {
			return []checkpoint.Place{{Key: prefix + key, Transpose: true}, {Key: prefix + key + ".weight"}}
		}
		key := names.Rename(name)
		if layer, part, ok := strings.Cut(key, ".self_attn."); ok {
			return fused(prefix+layer+".attn.in_proj_", part, width, checkpoint.At(prefix+openCLIPParts.Replace(key)))
		}
		return checkpoint.At(prefix + openCLIPParts.Replace(key))
	}
}
