// Package vae holds the autoencoder between pictures and latents as graphs. It
// knows no file and no pipeline.
package vae

import (
	"errors"
	"fmt"
)

// maxLayers bounds the graph that a configuration can ask for, which is recorded
// layer by layer; SDXL has 2.
const maxLayers = 200

// Config is the config.json of an AutoencoderKL.
type Config struct {
	InChannels       int       `json:"in_channels"`
	OutChannels      int       `json:"out_channels"`
	LatentChannels   int       `json:"latent_channels"`
	BlockOutChannels []int     `json:"block_out_channels"`
	DownBlockTypes   []string  `json:"down_block_types"`
	UpBlockTypes     []string  `json:"up_block_types"`
	LayersPerBlock   int       `json:"layers_per_block"`
	NormNumGroups    int       `json:"norm_num_groups"`
	ActFn            string    `json:"act_fn"`
	ScalingFactor    float64   `json:"scaling_factor"`
	ShiftFactor      *float64  `json:"shift_factor"`
	LatentsMean      []float64 `json:"latents_mean"`
	LatentsStd       []float64 `json:"latents_std"`
	UseQuantConv     bool      `json:"use_quant_conv"`
	UsePostQuantConv bool      `json:"use_post_quant_conv"`
	MidAttention     bool      `json:"mid_block_add_attention"`
}

// DefaultConfig holds what a config.json means where it is silent.
func DefaultConfig() Config {
	return Config{
		InChannels: 3, OutChannels: 3, LatentChannels: 4, BlockOutChannels: []int{64}, LayersPerBlock: 1, NormNumGroups: 32,
		ActFn: "silu", ScalingFactor: 0.18215, UseQuantConv: true, UsePostQuantConv: true, MidAttention: true,
	}
}

func (c *Config) validate() error {
	var errs []error
	want := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	want(len(c.BlockOutChannels) > 0, "block_out_channels is empty")
	want(c.NormNumGroups > 0, "norm_num_groups is %d, want a positive number", c.NormNumGroups)
	for i, ch := range c.BlockOutChannels {
		want(ch > 0 && c.NormNumGroups > 0 && ch%c.NormNumGroups == 0,
			"block_out_channels[%d] is %d, want a multiple of norm_num_groups %d", i, ch, c.NormNumGroups)
	}
	want(c.LayersPerBlock > 0 && c.LayersPerBlock <= maxLayers, "layers_per_block is %d, want 1 to %d", c.LayersPerBlock, maxLayers)
	want(c.InChannels == 3 && c.OutChannels == 3, "in_channels %d and out_channels %d, want 3", c.InChannels, c.OutChannels)
	want(c.LatentChannels > 0, "latent_channels is %d, want a positive number", c.LatentChannels)
	want(c.ActFn == "silu" || c.ActFn == "swish", "act_fn is %q, want %q", c.ActFn, "silu")
	want(c.ScalingFactor > 0, "scaling_factor is %g, want a positive number", c.ScalingFactor)
	want(c.ShiftFactor == nil || *c.ShiftFactor == 0, "shift_factor is set, want null")
	want(len(c.LatentsMean) == len(c.LatentsStd) && (c.LatentsMean == nil || len(c.LatentsMean) == c.LatentChannels),
		"latents_mean and latents_std have %d and %d entries, want %d or null", len(c.LatentsMean), len(c.LatentsStd), c.LatentChannels)
	for _, t := range c.DownBlockTypes {
		want(t == "DownEncoderBlock2D", "down_block_types holds %q, want DownEncoderBlock2D", t)
	}
	for _, t := range c.UpBlockTypes {
		want(t == "UpDecoderBlock2D", "up_block_types holds %q, want UpDecoderBlock2D", t)
	}
	return errors.Join(errs...)
}

// Scale returns how many pixels a latent is wide: 8 for SDXL.
func (c *Config) Scale() int { return 1 << (len(c.BlockOutChannels) - 1) }
