package sdxl

import (
	"context"
	"fmt"
	"math"

	"github.com/df65613c/easel/internal/program"
	"github.com/df65613c/easel/nn"
	"github.com/df65613c/easel/sched"
	"github.com/df65613c/easel/tensor"
)

// Decode turns latents [B,4,h,w], as the UNet has them, into pictures
// [B,3,8h,8w], about -1 to 1. It decodes one picture at a time, since memory
// grows with the batch and speed does not.
func (p *Pipeline) Decode(ctx context.Context, latents *tensor.Tensor) (*tensor.Tensor, error) {
	return p.decodeBeside(ctx, latents, 0)
}

// decodeBeside decodes beside what uses that many bytes of the memory.
func (p *Pipeline) decodeBeside(ctx context.Context, latents *tensor.Tensor, used int64) (*tensor.Tensor, error) {
	if err := p.model.Require("decoding", VAEPart); err != nil {
		return nil, err
	}
	v := p.model.VAE
	s := latents.Shape()
	if len(s) != 4 || s[1] != v.Config.LatentChannels || latents.DType() != tensor.F32 {
		return nil, fmt.Errorf("vae: latents are %s%v, want F32 [B,%d,h,w]", latents.DType(), s, v.Config.LatentChannels)
	}
	k := v.Config.Scale()
	img := tensor.New(tensor.F32, s[0], v.Config.OutChannels, s[2]*k, s[3]*k)
	z := tensor.New(tensor.F32, 1, s[1], s[2], s[3])
	n := z.NumElements()
	key := networkKey{graph: "vae-decoder", batch: 1, h: s[2], w: s[3]}
	err := p.use(ctx, key, used, func(decoder *program.Program) error {
		for i := range s[0] {
			v.FromUNet(z.Float32s(), latents.Float32s()[i*n:(i+1)*n])
			if err := decoder.Run(ctx, nn.Tensors(row(img, i)), nn.Tensors(z)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return img, nil
}

// decode is Decode with a check of its numbers, beside what uses that many bytes
// of the memory.
func (p *Pipeline) decode(ctx context.Context, latents *tensor.Tensor, used int64) (*tensor.Tensor, error) {
	img, err := p.decodeBeside(ctx, latents, used)
	if err != nil {
		return nil, err
	}
	for i, v := range img.Float32s() {
		if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("vae: the decoded picture holds %w at element %d", sched.ErrNotFinite, i)
		}
	}
	return img, nil
}

// EncodeImage turns pictures [B,3,H,W], -1 to 1, into latents [B,4,H/8,W/8] as the
// UNet has them: a sample of the encoder's distribution, or its mean if noise is nil.
func (p *Pipeline) EncodeImage(ctx context.Context, img *tensor.Tensor, noise sched.Noise) (*tensor.Tensor, error) {
	if err := p.model.Require("encoding a picture", VAEPart); err != nil {
		return nil, err
	}
	v := p.model.VAE
	s, k := img.Shape(), v.Config.Scale()
	if len(s) != 4 || s[1] != v.Config.InChannels || s[2]%k != 0 || s[3]%k != 0 || img.DType() != tensor.F32 {
		return nil, fmt.Errorf("vae: pictures are %s%v, want F32 [B,%d,H,W] with H and W multiples of %d", img.DType(), s,
			v.Config.InChannels, k)
	}
	out, err := p.runNetwork(ctx, networkKey{graph: "vae-encoder", batch: s[0], h: s[2], w: s[3]}, img)
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
	v.ToUNet(out[0])
	return out[0], nil
}
