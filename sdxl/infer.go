package sdxl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/sdxl/vae"
	"github.com/df65613c/easel/tensor"
)

// What the tensors of a single file do not tell, and SDXL has.
const (
	headDim          = 64
	singleGroups     = 32
	singleSampleSize = 128 // latents of 1024x1024 pixels
	singleTimeDim    = 256
	singleVAEScale   = 0.13025
	clipEOS          = 49407
	needConfigAdvice = "give the configuration of a diffusers folder"
)

// shapes looks up the shapes of a single file's tensors.
type shapes func(key string) (tensor.Shape, bool)

// dim returns a size of a tensor, or 0 where it has none.
func (s shapes) dim(key string, axis int) int {
	shape, ok := s(key)
	if !ok || axis >= len(shape) {
		return 0
	}
	return shape[axis]
}

func (s shapes) has(key string) bool { _, ok := s(key); return ok }

// count returns how many n from 0 on have a tensor named by the format.
func (s shapes) count(format string) int {
	n := 0
	for s.has(fmt.Sprintf(format, n)) {
		n++
	}
	return n
}

// heads returns the number of attention heads of SDXL for a width.
func heads(what string, width int) (int, error) {
	if width == 0 || width%headDim != 0 {
		return 0, fmt.Errorf("%s: width %d is no multiple of SDXL's head size %d, and a single file does not tell its heads: %s",
			what, width, headDim, needConfigAdvice)
	}
	return width / headDim, nil
}

// inferUNet reads the configuration off the tensors of a single file.
func inferUNet(s shapes) (unet.Config, error) {
	c := unet.DefaultConfig()
	key := fmt.Sprintf
	c.InChannels = s.dim(key("input_blocks.0.0.weight"), 1)
	c.OutChannels = s.dim(key("out.2.weight"), 0)
	if c.InChannels == 0 || c.OutChannels == 0 {
		return c, fmt.Errorf("no UNet: tensor %s or %s is missing", key("input_blocks.0.0.weight"), key("out.2.weight"))
	}
	c.AdditionEmbedType, c.AdditionTimeDim, c.NormNumGroups = "text_time", singleTimeDim, singleGroups
	c.SampleSize = singleSampleSize
	if dim := s.dim(key("time_embed.cond_proj.weight"), 1); dim > 0 {
		c.GuidanceDim = &dim
	}
	c.AdditionInputDim = s.dim(key("label_emb.0.0.weight"), 1)
	if c.AdditionInputDim == 0 {
		return c, fmt.Errorf("no SDXL UNet: tensor %s is missing", key("label_emb.0.0.weight"))
	}
	c.LayersPerBlock, c.TransformerLayers, c.AttentionHeadDim, c.CrossAttentionDim = nil, nil, nil, nil
	context := 0
	depth := func(at string) int { return s.count(at + ".transformer_blocks.%d.norm1.weight") }
	level := func(last int, depths unet.PerBlock) error {
		ch := s.dim(key("input_blocks.%d.0.in_layers.2.weight", last), 0)
		n, err := 1, error(nil)
		kind := "Down"
		if depths[0] > 0 {
			kind = "CrossAttnDown"
			if n, err = heads(key("input_blocks.%d.1", last), ch); err != nil {
				return err
			}
			context = s.dim(key("input_blocks.%d.1.transformer_blocks.0.attn2.to_k.weight", last), 1)
			shape, _ := s(key("input_blocks.%d.1.proj_in.weight", last))
			c.UseLinear = len(shape) == 2
		}
		c.BlockOutChannels = append(c.BlockOutChannels, ch)
		c.LayersPerBlock = append(c.LayersPerBlock, len(depths))
		c.TransformerLayers = append(c.TransformerLayers, depths)
		c.AttentionHeadDim = append(c.AttentionHeadDim, n)
		c.DownBlockTypes = append(c.DownBlockTypes, kind+"Block2D")
		c.UpBlockTypes = append([]string{strings.Replace(kind, "Down", "Up", 1) + "Block2D"}, c.UpBlockTypes...)
		return nil
	}
	var depths unet.PerBlock
	for i := 1; ; i++ {
		if s.has(key("input_blocks.%d.0.in_layers.2.weight", i)) {
			depths = append(depths, depth(key("input_blocks.%d.1", i)))
			continue
		}
		if depths != nil {
			if err := level(i-1, depths); err != nil {
				return c, err
			}
		}
		depths = nil
		if !s.has(key("input_blocks.%d.0.op.weight", i)) {
			break
		}
	}
	if c.LayersPerBlock == nil {
		return c, fmt.Errorf("no UNet: tensor %s is missing", "input_blocks.1.0.in_layers.2.weight")
	}
	c.CrossAttentionDim = unet.PerBlock{context}
	inferUp(&c, depth)
	return c, s.inferMid(&c, depth("middle_block.1"))
}

// inferUp reads how deep the layers on the way up are.
func inferUp(c *unet.Config, depth func(at string) int) {
	n := 0
	for _, layers := range slices.Backward(c.LayersPerBlock) {
		depths := make(unet.PerBlock, layers+1)
		for i := range depths {
			depths[i] = depth(fmt.Sprintf("output_blocks.%d.1", n))
			n++
		}
		c.ReverseLayers = append(c.ReverseLayers, depths)
	}
}

// inferMid reads which kind of middle block there is.
func (s shapes) inferMid(c *unet.Config, depth int) error {
	resnets := 0
	for _, at := range []string{"middle_block.0", "middle_block.2"} {
		if s.has(at + ".in_layers.2.weight") {
			resnets++
		}
	}
	c.MidBlockType = unet.MidBlock(resnets)
	if before := c.TransformerLayers[len(c.TransformerLayers)-1][0]; depth > 0 && depth != before {
		return fmt.Errorf("middle_block.1 has %d transformer blocks and the layers before it have %d, want as many", depth, before)
	}
	return nil
}

// inferVAE reads the configuration off the tensors of a single file.
func inferVAE(s shapes) (vae.Config, error) {
	c := vae.DefaultConfig()
	c.LatentChannels = s.dim("decoder.conv_in.weight", 1)
	if c.LatentChannels == 0 {
		return c, fmt.Errorf("no VAE: tensor %s is missing", "decoder.conv_in.weight")
	}
	c.BlockOutChannels = nil
	for i := range s.count("encoder.down.%d.block.0.conv1.weight") {
		c.BlockOutChannels = append(c.BlockOutChannels, s.dim(fmt.Sprintf("encoder.down.%d.block.0.conv1.weight", i), 0))
	}
	c.LayersPerBlock = s.count("encoder.down.0.block.%d.conv1.weight")
	c.NormNumGroups, c.ScalingFactor = singleGroups, singleVAEScale
	c.UseQuantConv, c.UsePostQuantConv = s.has("quant_conv.weight"), s.has("post_quant_conv.weight")
	c.MidAttention = s.has("decoder.mid.attn_1.norm.weight")
	return c, nil
}

// inferTextL reads the configuration of the first text encoder off its tensors.
func inferTextL(s shapes) (clip.TextConfig, error) {
	c := clip.DefaultTextConfig()
	c.Architectures = []string{"CLIPTextModel"}
	return c, inferText(&c, s)
}

// inferText reads what the tensors tell under transformers' names.
func inferText(c *clip.TextConfig, s shapes) error {
	const prefix = "text_model."
	c.Layers = s.count(prefix + "encoder.layers.%d.layer_norm1.weight")
	c.Intermediate = s.dim(prefix+"encoder.layers.0.mlp.fc1.weight", 0)
	return inferEmbeddings(c, s, prefix+"embeddings.token_embedding.weight", prefix+"embeddings.position_embedding.weight")
}

// inferTextG reads the configuration of the second text encoder off its tensors.
func inferTextG(s shapes, n naming) (clip.TextConfig, error) {
	c := clip.DefaultTextConfig()
	c.Architectures = []string{"CLIPTextModelWithProjection"}
	c.HiddenAct = "gelu"
	c.ProjectionDim = s.dim("text_projection", 1)
	for _, key := range []string{"text_projection.weight", "text_model.text_projection"} {
		if c.ProjectionDim == 0 {
			c.ProjectionDim = s.dim(key, 0)
		}
	}
	if n == diffusers {
		return c, inferText(&c, s)
	}
	c.Layers = s.count("transformer.resblocks.%d.ln_1.weight")
	c.Intermediate = s.dim("transformer.resblocks.0.mlp.c_fc.weight", 0)
	return c, inferEmbeddings(&c, s, "token_embedding.weight", "positional_embedding")
}

func inferEmbeddings(c *clip.TextConfig, s shapes, tokens, positions string) error {
	c.VocabSize, c.HiddenSize, c.MaxPositions = s.dim(tokens, 0), s.dim(tokens, 1), s.dim(positions, 0)
	if c.HiddenSize == 0 || c.MaxPositions == 0 {
		return fmt.Errorf("no text encoder: tensor %s or %s is missing", tokens, positions)
	}
	c.EOSTokenID = clipEOS
	var err error
	c.Heads, err = heads(tokens, c.HiddenSize)
	return err
}
