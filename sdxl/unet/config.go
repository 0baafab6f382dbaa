// Package unet holds the denoising network as a graph, and the patches that
// change it. It knows no file and no pipeline.
package unet

import (
	"errors"
	"fmt"
	"slices"
)

// maxLayers bounds the graph that a configuration can ask for, which is recorded
// layer by layer; SDXL has 10.
const maxLayers = 200

// Config is the config.json of a UNet2DConditionModel.
type Config struct {
	InChannels         int      `json:"in_channels"`
	OutChannels        int      `json:"out_channels"`
	SampleSize         int      `json:"sample_size"`
	DownBlockTypes     []string `json:"down_block_types"`
	MidBlockType       *string  `json:"mid_block_type"` // nil is no middle block, as "null" in the file
	UpBlockTypes       []string `json:"up_block_types"`
	BlockOutChannels   []int    `json:"block_out_channels"`
	LayersPerBlock     PerBlock `json:"layers_per_block"`
	TransformerLayers  PerLayer `json:"transformer_layers_per_block"`
	ReverseLayers      PerLayer `json:"reverse_transformer_layers_per_block"` // of the way up, coarsest first; nil is as on the way down
	AttentionHeadDim   PerBlock `json:"attention_head_dim"`                   // the number of heads, despite its name
	NumAttentionHeads  PerBlock `json:"num_attention_heads"`
	CrossAttentionDim  PerBlock `json:"cross_attention_dim"`
	NormNumGroups      int      `json:"norm_num_groups"`
	NormEps            float32  `json:"norm_eps"`
	UseLinear          bool     `json:"use_linear_projection"`
	AdditionEmbedType  string   `json:"addition_embed_type"`
	AdditionTimeDim    int      `json:"addition_time_embed_dim"`
	AdditionInputDim   int      `json:"projection_class_embeddings_input_dim"`
	DownsamplePadding  int      `json:"downsample_padding"`
	FlipSinToCos       bool     `json:"flip_sin_to_cos"`
	FreqShift          float64  `json:"freq_shift"`
	ActFn              string   `json:"act_fn"`
	CenterInputSample  bool     `json:"center_input_sample"`
	MidBlockScale      float64  `json:"mid_block_scale_factor"`
	ResnetTimeScale    string   `json:"resnet_time_scale_shift"`
	TimeEmbeddingType  string   `json:"time_embedding_type"`
	ClassEmbedType     *string  `json:"class_embed_type"`
	EncoderHidDimType  *string  `json:"encoder_hid_dim_type"`
	TimeEmbeddingAct   *string  `json:"time_embedding_act_fn"`
	TimestepPostAct    *string  `json:"timestep_post_act"`
	TimeEmbeddingDim   *int     `json:"time_embedding_dim"`
	GuidanceDim        *int     `json:"time_cond_proj_dim"` // of the guidance scale's embedding, which LCM's network takes; nil is none
	DualCrossAttention bool     `json:"dual_cross_attention"`
	ConvInKernel       int      `json:"conv_in_kernel"`
	ConvOutKernel      int      `json:"conv_out_kernel"`
	AttentionType      string   `json:"attention_type"`
}

// DefaultConfig holds what a config.json means where it is silent.
func DefaultConfig() Config {
	return Config{
		InChannels: 4, OutChannels: 4, MidBlockType: new(midAttention), LayersPerBlock: PerBlock{2},
		TransformerLayers: PerLayer{{1}}, AttentionHeadDim: PerBlock{8}, CrossAttentionDim: PerBlock{1280},
		NormNumGroups: 32, NormEps: 1e-5, DownsamplePadding: 1, FlipSinToCos: true, ActFn: "silu",
		MidBlockScale: 1, ResnetTimeScale: "default", TimeEmbeddingType: "positional",
		ConvInKernel: 3, ConvOutKernel: 3, AttentionType: "default",
	}
}

// Kinds of middle blocks: two ResNet blocks around a transformer, or one ResNet block.
const (
	midAttention = "UNetMidBlock2DCrossAttn"
	midResnet    = "UNetMidBlock2D"
)

// MidBlock names the kind of a middle block of some ResNet blocks for Config; nil is none.
func MidBlock(resnets int) *string {
	switch resnets {
	case 0:
		return nil
	case 1:
		return new(midResnet)
	}
	return new(midAttention)
}

// Block is what the configuration says of one resolution.
type Block struct {
	Channels, Layers, Heads, Context int
	Attention                        bool
	Down, Up                         []int // transformer blocks of each layer on the way down and up
}

// Blocks checks the configuration and returns it by resolution, finest first.
func (c *Config) Blocks() ([]Block, error) {
	n := len(c.BlockOutChannels)
	var errs faults
	errs.want(n > 0, "block_out_channels is empty")
	errs.want(len(c.DownBlockTypes) == n, "down_block_types has %d entries, want %d", len(c.DownBlockTypes), n)
	errs.want(len(c.UpBlockTypes) == n, "up_block_types has %d entries, want %d", len(c.UpBlockTypes), n)
	errs.want(c.InChannels > 0 && c.OutChannels > 0, "in_channels %d and out_channels %d must be positive", c.InChannels, c.OutChannels)
	errs.want(c.AdditionEmbedType == "text_time", "addition_embed_type is %q, want %q: this is no SDXL UNet",
		c.AdditionEmbedType, "text_time")
	errs.want(c.AdditionTimeDim > 0 && c.AdditionTimeDim%2 == 0, "addition_time_embed_dim is %d, want an even number", c.AdditionTimeDim)
	errs.want(c.AdditionInputDim > TimeIDs*c.AdditionTimeDim,
		"projection_class_embeddings_input_dim is %d, want more than %d embeddings of %d: this is no SDXL base model",
		c.AdditionInputDim, TimeIDs, c.AdditionTimeDim)
	errs.want(c.FlipSinToCos && c.FreqShift == 0, "flip_sin_to_cos %v with freq_shift %g, want true with 0", c.FlipSinToCos, c.FreqShift)
	errs.want(c.ActFn == "silu" || c.ActFn == "swish", "act_fn is %q, want %q", c.ActFn, "silu")
	if mid := c.MidBlockType; mid != nil {
		errs.want(*mid == midAttention || *mid == midResnet, "mid_block_type is %q, want %q, %q or null", *mid, midAttention, midResnet)
	}
	errs.want(c.MidBlockScale == 1, "mid_block_scale_factor is %g, want 1", c.MidBlockScale)
	errs.want(c.ResnetTimeScale == "default", "resnet_time_scale_shift is %q, want %q", c.ResnetTimeScale, "default")
	errs.want(c.TimeEmbeddingType == "positional", "time_embedding_type is %q, want %q", c.TimeEmbeddingType, "positional")
	errs.want(!c.CenterInputSample && !c.DualCrossAttention, "center_input_sample and dual_cross_attention must be false")
	errs.want(c.ClassEmbedType == nil && c.EncoderHidDimType == nil && c.TimeEmbeddingAct == nil && c.TimestepPostAct == nil &&
		c.TimeEmbeddingDim == nil,
		"class_embed_type, encoder_hid_dim_type, time_embedding_act_fn, timestep_post_act and time_embedding_dim must be null")
	if d := c.GuidanceDim; d != nil {
		errs.want(*d >= leastGuidanceDim && *d <= 1<<16, "time_cond_proj_dim is %d, want %d to %d, or null", *d, leastGuidanceDim, 1<<16)
	}
	errs.want(c.AttentionType == "default", "attention_type is %q, want %q", c.AttentionType, "default")
	errs.want(c.NormNumGroups > 0, "norm_num_groups is %d, want a positive number", c.NormNumGroups)
	errs.want(c.DownsamplePadding == 1, "downsample_padding is %d, want 1", c.DownsamplePadding)
	errs.want(c.ConvInKernel == 3 && c.ConvOutKernel == 3, "conv_in_kernel %d and conv_out_kernel %d, want 3",
		c.ConvInKernel, c.ConvOutKernel)
	expand := func(field string, p PerBlock) []int {
		v, err := p.expand(field, n)
		if err != nil {
			errs = append(errs, err)
			return make([]int, n)
		}
		return v
	}
	heads := c.NumAttentionHeads
	if heads == nil {
		heads = c.AttentionHeadDim
	}
	layers := expand("layers_per_block", c.LayersPerBlock)
	nHeads, context := expand("attention_head_dim", heads), expand("cross_attention_dim", c.CrossAttentionDim)
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	for i, l := range layers {
		errs.want(l > 0 && l <= maxLayers, "layers_per_block[%d] is %d, want 1 to %d", i, l, maxLayers)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	down, up, err := c.depths(layers)
	if err != nil {
		return nil, err
	}
	blocks := make([]Block, n)
	for i := range blocks {
		b := Block{c.BlockOutChannels[i], layers[i], nHeads[i], context[i], false, down[i], up[i]}
		switch c.DownBlockTypes[i] {
		case "DownBlock2D":
		case "CrossAttnDownBlock2D":
			b.Attention = true
		default:
			errs.want(false, "down_block_types[%d] is %q, want DownBlock2D or CrossAttnDownBlock2D", i, c.DownBlockTypes[i])
		}
		mirror := map[bool]string{false: "UpBlock2D", true: "CrossAttnUpBlock2D"}[b.Attention]
		errs.want(c.UpBlockTypes[n-1-i] == mirror, "up_block_types[%d] is %q, want %q to mirror down_block_types[%d]", n-1-i,
			c.UpBlockTypes[n-1-i], mirror, i)
		errs.want(b.Channels > 0 && b.Channels%c.NormNumGroups == 0,
			"block_out_channels[%d] is %d, want a multiple of norm_num_groups %d", i, b.Channels, c.NormNumGroups)
		if b.Attention || i == n-1 && c.midAttends() {
			errs.want(b.Heads > 0 && b.Channels%max(b.Heads, 1) == 0, "%d channels of block %d are no multiple of its %d heads",
				b.Channels, i, b.Heads)
			depths := slices.Concat(b.Down, b.Up)
			errs.want(slices.Min(depths) > 0 && slices.Max(depths) <= maxLayers && b.Context > 0,
				"block %d has transformers of %d blocks on the way down, %d on the way up, and context %d, want 1 to %d and a positive number", i, b.Down, b.Up, b.Context, maxLayers)
			errs.want(b.Context == context[0], "cross_attention_dim differs from block to block")
		}
		blocks[i] = b
	}
	return blocks, errors.Join(errs...)
}

// faults are what is wrong with a configuration.
type faults []error

// want adds a fault unless ok. Its code is shared by its many callers, which
// keeps the program small.
//
//go:noinline
func (f *faults) want(ok bool, format string, args ...any) {
	if !ok {
		*f = append(*f, fmt.Errorf(format, args...))
	}
}

// midAttends reports whether the middle block has a transformer.
func (c *Config) midAttends() bool { return c.MidBlockType != nil && *c.MidBlockType == midAttention }
