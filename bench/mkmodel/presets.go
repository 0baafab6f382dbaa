// Package mkmodel makes checkpoints of Stable Diffusion XL with random
// weights, to measure with: their shapes and names are those of real ones.
package mkmodel

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/df65613c/easel/clip"
	"github.com/df65613c/easel/sdxl"
	"github.com/df65613c/easel/sdxl/prompt"
	"github.com/df65613c/easel/sdxl/unet"
	"github.com/df65613c/easel/sdxl/vae"
)

// preset scales the published architecture.
type preset struct {
	unet, vae    []int // channels by level
	depth        []int // transformer blocks by level
	textL, textG [2]int
}

// The first is stable-diffusion-xl-base-1.0; text encoders are width and layers.
var presets = map[string]preset{
	"sdxl-base": {[]int{320, 640, 1280}, []int{128, 256, 512, 512}, []int{1, 2, 10}, [2]int{768, 12}, [2]int{1280, 32}},
	"sdxl-half": {[]int{160, 320, 640}, []int{64, 128, 256, 256}, []int{1, 2, 5}, [2]int{384, 6}, [2]int{640, 16}},
	"sdxl-tiny": {[]int{32, 64, 128}, []int{32, 32, 64, 64}, []int{1, 1, 1}, [2]int{64, 2}, [2]int{128, 2}},
}

// Presets returns the names that Architecture knows.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

const (
	headDim  = 64 // of every attention of SDXL
	vocab    = 49408
	clipEOS  = 49407
	timeDim  = 256
	sizeIDs  = 6
	mlpRatio = 4
)

// Architecture returns the architecture of a preset.
func Architecture(name string) (sdxl.Architecture, error) {
	p, ok := presets[name]
	if !ok {
		return sdxl.Architecture{}, fmt.Errorf("no preset %q; there are %s", name, strings.Join(Presets(), ", "))
	}
	heads := make([]int, len(p.unet))
	for i, ch := range p.unet {
		heads[i] = max(1, ch/headDim)
	}
	depth := make(unet.PerLayer, len(p.depth))
	for i, d := range p.depth {
		depth[i] = unet.PerBlock{d}
	}
	context := p.textL[0] + p.textG[0]
	return sdxl.Architecture{
		TextL: text(p.textL, "CLIPTextModel", "quick_gelu"),
		TextG: text(p.textG, "CLIPTextModelWithProjection", "gelu"),
		UNet: unet.Config{
			InChannels: 4, OutChannels: 4, SampleSize: 128,
			DownBlockTypes:   []string{"DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"},
			MidBlockType:     unet.MidBlock(2),
			UpBlockTypes:     []string{"CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"},
			BlockOutChannels: p.unet, LayersPerBlock: []int{2}, TransformerLayers: depth, AttentionHeadDim: heads,
			CrossAttentionDim: []int{context}, NormNumGroups: 32, NormEps: 1e-5, UseLinear: true,
			AdditionEmbedType: "text_time", AdditionTimeDim: timeDim, AdditionInputDim: sizeIDs*timeDim + p.textG[0],
			DownsamplePadding: 1, FlipSinToCos: true, ActFn: "silu", MidBlockScale: 1, ResnetTimeScale: "default",
			TimeEmbeddingType: "positional", ConvInKernel: 3, ConvOutKernel: 3, AttentionType: "default",
		},
		VAE: vae.Config{
			InChannels: 3, OutChannels: 3, LatentChannels: 4, BlockOutChannels: p.vae,
			DownBlockTypes: slices.Repeat([]string{"DownEncoderBlock2D"}, len(p.vae)),
			UpBlockTypes:   slices.Repeat([]string{"UpDecoderBlock2D"}, len(p.vae)),
			LayersPerBlock: 2, NormNumGroups: 32, ActFn: "silu", ScalingFactor: 0.13025,
			UseQuantConv: true, UsePostQuantConv: true, MidAttention: true,
		},
	}, nil
}

func text(size [2]int, class, act string) clip.TextConfig {
	width, layers := size[0], size[1]
	return clip.TextConfig{
		Architectures: []string{class}, VocabSize: vocab, HiddenSize: width, Intermediate: mlpRatio * width, ProjectionDim: width,
		Layers: layers, Heads: width / headDim, MaxPositions: prompt.Length, HiddenAct: act, LayerNormEps: 1e-5, EOSTokenID: clipEOS,
	}
}
