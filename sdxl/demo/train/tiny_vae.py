"""Trains a tiny autoencoder (the layout of TAESD, diffusers' AutoencoderTiny) on the latents of the model's VAE, for previews.

    python tiny_vae.py --run DIR --model FOLDER --minutes 5 --out FOLDER      goes on from DIR/tiny_vae_state.pt

Its decoder learns to give the scene from the VAE's latent, its encoder to give the latent from the scene.
"""
import argparse
import os

import numpy as np
import torch
from diffusers import AutoencoderKL, AutoencoderTiny

import models
import scenes
from optim import Schedule, Trainer, clock
from train_vae import held_out_scenes, psnr


def tiny():
    width, blocks = (16,) * 4, (1, 2, 2, 2)
    return AutoencoderTiny(encoder_block_out_channels=width, decoder_block_out_channels=width, num_encoder_blocks=blocks,
                           num_decoder_blocks=blocks[::-1], scaling_factor=1.0)


@torch.no_grad()
def pairs(vae, n, seed):
    """Scenes as signals, and their latents."""
    rng, images, latents = np.random.default_rng(seed), [], []
    for _ in range(n // 20):
        images.append(np.stack([scenes.render(scenes.make(rng, camera=True)[0], rng)[0] for _ in range(20)]))
        latents.append(vae.encode(models.to_signal(images[-1])).latent_dist.mean)
    return np.concatenate(images), torch.cat(latents)


def crops(images, latents, n, rng, side=8):
    """Random parts of `side` latents and their pixels."""
    x, z = [], []
    for _ in range(n):
        k, i, j = rng.integers(len(images)), rng.integers(17 - side), rng.integers(17 - side)
        x.append(images[k, 8 * i:8 * (i + side), 8 * j:8 * (j + side)])
        z.append(latents[k, :, i:i + side, j:j + side])
    return models.to_signal(np.stack(x)), torch.stack(z)


@torch.no_grad()
def report(vae, net):
    _, images, _ = held_out_scenes(128)
    x = models.to_signal(images)
    z = torch.cat([vae.encode(v).latent_dist.mean for v in x.split(16)])
    full, small = (models.to_pixels(torch.cat([m.decode(v).sample for v in z.split(16)])) for m in (vae, net))
    print(f"held-out scenes: the VAE {psnr(images, full):.2f} dB, the tiny one {psnr(images, small):.2f} dB; tiny against the VAE {psnr(full, small):.2f} dB")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--model", required=True, help="model folder whose latents it learns")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--scenes", type=int, default=800)
    p.add_argument("--lr", type=float, default=1e-2)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    vae = AutoencoderKL.from_pretrained(os.path.join(a.model, "vae")).float().eval()
    net = tiny()
    trainer = Trainer(net, weight_decay=0, adam_only=("encoder.layers.0.", "decoder.layers.0."))
    state = os.path.join(a.run, "tiny_vae_state.pt")
    if os.path.exists(state):
        trainer.load(torch.load(state))
    rng = np.random.default_rng(trainer.steps)
    images, latents = pairs(vae, a.scenes, 500 + trainer.steps)
    start, terms, next_report, schedule = clock(), [], 60.0, Schedule(a.lr, a.minutes)
    while schedule.done() < 1:
        x, z = crops(images, latents, a.batch, rng)
        e, miss = net.decode(z).sample - x, net.encode(x).latents - z
        edges = (e[..., 1:] - e[..., :-1]).abs().mean() + (e[..., 1:, :] - e[..., :-1, :]).abs().mean()
        (e.abs().mean() + 3 * (e * e).mean() + 0.5 * edges + 0.3 * (miss * miss).mean()).backward()
        trainer.step(schedule.rate(), 0.998)
        terms.append([(e * e).mean().item(), (miss * miss).mean().item()])
        if clock() - start > next_report:
            torch.save(trainer.state(), state)
            print(f"step {trainer.steps}  MSE of pictures %.5f, of latents %.4f" % tuple(np.mean(terms, 0)), flush=True)
            terms, next_report = [], next_report + 60
    torch.save(trainer.state(), state)
    trainer.swap_ema()
    report(vae, net)
    net.half().save_pretrained(a.out)


if __name__ == "__main__":
    main()
