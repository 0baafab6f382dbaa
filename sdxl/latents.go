package sdxl

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// Decode turns latents [B,4,h,w], as the UNet has them, into pictures
// [B,3,8h,8w], about -1 to 1. One picture at a time, since memory grows with
// the batch and speed does not.
func (v *VAE) Decode(ctx context.Context, b nn.Backend, latents *tensor.Tensor) (*tensor.Tensor, error) {
	s := latents.Shape()
	if len(s) != 4 || s[1] != v.Config.LatentChannels || latents.DType() != tensor.F32 {
		return nil, fmt.Errorf("vae: latents are %s%v, want F32 [B,%d,h,w]", latents.DType(), s, v.Config.LatentChannels)
	}
	g, err := v.DecoderGraph(1, s[2], s[3])
	if err != nil {
		return nil, err
	}
	exe, err := v.params.own(g).compile(ctx, b, nn.CompileOptions{})
	if err != nil {
		return nil, err
	}
	defer exe.Close()
	k := v.Config.Scale()
	img := tensor.New(tensor.F32, s[0], v.Config.OutChannels, s[2]*k, s[3]*k)
	z := tensor.New(tensor.F32, 1, s[1], s[2], s[3])
	n := z.NumElements()
	for i := range s[0] {
		v.unscale(z.Float32s(), latents.Float32s()[i*n:(i+1)*n])
		if err := exe.Run(ctx, []*tensor.Tensor{row(img, i)}, []*tensor.Tensor{z}); err != nil {
			return nil, err
		}
	}
	return img, nil
}

// Encode turns pictures [B,3,H,W], -1 to 1, into latents [B,4,H/8,W/8] as the
// UNet has them: a sample of the encoder's distribution, or its mean if noise is nil.
func (v *VAE) Encode(ctx context.Context, b nn.Backend, img *tensor.Tensor, noise sched.Noise) (*tensor.Tensor, error) {
	s, k := img.Shape(), v.Config.Scale()
	if len(s) != 4 || s[1] != v.Config.InChannels || s[2]%k != 0 || s[3]%k != 0 || img.DType() != tensor.F32 {
		return nil, fmt.Errorf("vae: pictures are %s%v, want F32 [B,%d,H,W] with H and W multiples of %d", img.DType(), s, v.Config.InChannels, k)
	}
	g, err := v.EncoderGraph(s[0], s[2], s[3])
	if err != nil {
		return nil, err
	}
	out, err := v.params.own(g).runOnce(ctx, b, nil, img)
	if err != nil {
		return nil, err
	}
	mean, logvar := out[0].Float32s(), out[1].Float32s()
	if noise != nil {
		draw := make([]float32, len(mean))
		noise.Normal(draw)
		for i, n := range draw {
			// Clamped as the reference clamps it.
			lv := min(max(logvar[i], -30), 20)
			mean[i] += float32(math.Exp(0.5*float64(lv))) * n
		}
	}
	v.scale(out[0])
	return out[0], nil
}

// unscale turns the UNet's latents of one picture into the VAE's.
func (v *VAE) unscale(dst, src []float32) {
	c := &v.Config
	plane := len(src) / c.LatentChannels
	for i, x := range src {
		dst[i] = x / float32(c.ScalingFactor)
		if c.LatentsMean != nil {
			k := i / plane
			dst[i] = x*float32(c.LatentsStd[k])/float32(c.ScalingFactor) + float32(c.LatentsMean[k])
		}
	}
}

// scale turns the VAE's latents [B,4,h,w] into the UNet's, in place.
func (v *VAE) scale(z *tensor.Tensor) {
	c := &v.Config
	plane := z.Shape()[2] * z.Shape()[3]
	for i, x := range z.Float32s() {
		if c.LatentsMean == nil {
			z.Float32s()[i] = x * float32(c.ScalingFactor)
			continue
		}
		k := i / plane % c.LatentChannels
		z.Float32s()[i] = (x - float32(c.LatentsMean[k])) * float32(c.ScalingFactor) / float32(c.LatentsStd[k])
	}
}
