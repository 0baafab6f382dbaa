"""Folds mean and deviation of the latents' channels into quant_conv and post_quant_conv, so that latents have
mean 0 and deviation 1 in each channel, and scaling_factor 1 is right. The pictures stay the same.

    python whiten.py --run DIR      rewrites DIR/vae
"""
import argparse
import os

import numpy as np
import torch
from diffusers import AutoencoderKL

import models
import scenes


@torch.no_grad()
def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    folder = os.path.join(p.parse_args().run, "vae")
    vae = AutoencoderKL.from_pretrained(folder)
    rng = np.random.default_rng(5)
    x = models.to_signal(np.stack([scenes.render(scenes.make(rng)[0], rng)[0] for _ in range(256)]))
    z = vae.encode(x).latent_dist.mean
    before = vae.decode(z[:4]).sample
    mean, std = z.mean((0, 2, 3)), z.std((0, 2, 3))
    q, post = vae.quant_conv, vae.post_quant_conv
    q.weight[:4] /= std.view(4, 1, 1, 1)
    q.bias[:4] = (q.bias[:4] - mean) / std
    q.bias[4:] -= 2 * std.log()
    post.bias += (post.weight[:, :, 0, 0] * mean).sum(1)
    post.weight *= std.view(1, 4, 1, 1)
    z = vae.encode(x).latent_dist.mean
    change = (vae.decode(z[:4]).sample - before).abs().max().item()
    print("mean", z.mean((0, 2, 3)).tolist(), "std", z.std((0, 2, 3)).tolist(), "largest change of a picture", change)
    assert change < 1e-3
    vae.register_to_config(scaling_factor=1.0)
    vae.save_pretrained(folder)


if __name__ == "__main__":
    main()
