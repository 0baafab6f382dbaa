"""Trains the VAE (f8, 4 channels) on 64 x 64 crops of fresh scenes.

    python train_vae.py --run DIR --minutes 60 [--init VAE_FOLDER] [--decoder-only]

Writes DIR/vae (float32, diffusers layout), DIR/vae_state.pt (to go on) and appends to DIR/vae.csv. Afterwards run whiten.py,
unless only the decoder was trained, which leaves the latents as they were.
"""
import argparse
import csv
import os

import numpy as np
import torch
from diffusers import AutoencoderKL
from diffusers.models.attention_processor import AttnProcessor

import models
import scenes
from optim import Schedule, Trainer, clock


class Crops:
    """A pool of scenes of which each batch replaces some."""

    def __init__(self, seed, size=800, fresh=3):
        self.rng, self.fresh = np.random.default_rng(seed), fresh
        self.pool = [self._scene() for _ in range(size)]

    def _scene(self):
        h, w = scenes.CANVASES[self.rng.choice(5, p=[.8, .05, .05, .05, .05])]
        spec, _ = scenes.make(self.rng, canvas=(h, w), camera=True)
        return scenes.render(spec, self.rng)[0]

    def batch(self, n, crop=64):
        for _ in range(self.fresh):
            self.pool[self.rng.integers(len(self.pool))] = self._scene()
        out = np.empty((n, crop, crop, 3), np.uint8)
        for k in range(n):
            img = self.pool[self.rng.integers(len(self.pool))]
            y, x = (8 * self.rng.integers(0, (s - crop) // 8 + 1) for s in img.shape[:2])   # grids of a style lie the same way to the latents
            out[k] = img[y:y + crop, x:x + crop]
        return models.to_signal(out)


def held_out_scenes(n, seed=4242):
    rng = np.random.default_rng(seed)
    specs = [scenes.make(rng, held_out=True)[0] for _ in range(n)]
    rendered = [scenes.render(s, rng) for s in specs]
    return specs, np.stack([r[0] for r in rendered]), np.stack([r[1] for r in rendered])


@torch.no_grad()
def reconstruct(vae, images, batch=16):
    """Pixels of decode(encode(images))."""
    dtype = next(vae.parameters()).dtype
    return np.concatenate([models.to_pixels(vae.decode(vae.encode(models.to_signal(images[i:i + batch]).to(dtype)).latent_dist.mean).sample)
                           for i in range(0, len(images), batch)])


def psnr(a, b):
    """Mean over the images of their PSNR in dB."""
    mse = ((a.astype(np.float32) - b) ** 2).mean((1, 2, 3)) / 255 ** 2
    return float((-10 * np.log10(mse)).mean())


def report(vae):
    """Prints PSNR in float32 on 256 held-out scenes, by style and by the colour of the object's own pixels."""
    specs, images, owners = held_out_scenes(256)
    got = reconstruct(vae, images)
    print(f"PSNR of 256 held-out scenes: {psnr(images, got):.2f} dB")
    for style in scenes.STYLES:
        i = [k for k, s in enumerate(specs) if s["style"] == style]
        print(f"  {style:10s} {psnr(images[i], got[i]):.2f} dB ({len(i)})")
    for c, name in enumerate(scenes.COLOR_NAMES):
        err = [((images[k].astype(np.float32) - got[k]) ** 2)[owners[k] == j + 1]
               for k, s in enumerate(specs) for j, o in enumerate(s["objects"]) if o["color"] == c]
        print(f"  {name:10s} {-10 * np.log10(np.concatenate(err).mean() / 255 ** 2):.2f} dB inside its objects")


def loss_terms(vae, x, frozen_encoder):
    with torch.set_grad_enabled(not frozen_encoder):
        posterior = vae.encode(x).latent_dist
    mean, logvar = posterior.mean.float(), posterior.logvar.float()
    z = mean + torch.randn_like(mean) * (0.5 * logvar).exp()
    e = vae.decode(z).sample.float() - x
    edges = (e[..., 1:] - e[..., :-1]).abs().mean() + (e[..., 1:, :] - e[..., :-1, :]).abs().mean()
    kl = 0.5 * (mean * mean + logvar.exp() - 1 - logvar).mean()
    return e.abs().mean(), (e * e).mean(), edges, kl


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--run", required=True)
    p.add_argument("--minutes", type=float, default=60, help="of processor time by thread")
    p.add_argument("--until", help="end at this wall time, HH:MM, instead")
    p.add_argument("--init", help="diffusers folder of a VAE to start from")
    p.add_argument("--decoder-only", action="store_true", help="keep the encoder, and so the latents, as they are")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--threads", type=int, default=2)
    p.add_argument("--seed", type=int, default=0)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    vae = AutoencoderKL.from_pretrained(a.init).float() if a.init else models.vae()
    vae.set_attn_processor(AttnProcessor())
    if a.decoder_only:
        vae.encoder.requires_grad_(False)
        vae.quant_conv.requires_grad_(False)
    trainer = Trainer(vae, weight_decay=0, adam_only=("conv_in", "conv_out", "quant_conv"))
    state, base = os.path.join(a.run, "vae_state.pt"), 0.0
    if os.path.exists(state) and not a.init:
        s = torch.load(state)
        trainer.load(s["trainer"])
        base = s["seconds"]
    data = Crops(1000 + a.seed + trainer.steps)
    _, val, _ = held_out_scenes(48)
    log = open(os.path.join(a.run, "vae.csv"), "a", newline="")
    start, terms, next_report = clock(), [], 0.0
    schedule = Schedule(a.lr, a.minutes, a.until)
    while (done := schedule.done()) < 1:
        x = data.batch(a.batch).contiguous(memory_format=torch.channels_last)
        l1, l2, edges, kl = loss_terms(vae, x, a.decoder_only)
        (l1 + 3 * l2 + 0.5 * edges + 2e-4 * kl).backward()
        trainer.step(schedule.rate(), 0.998)
        terms.append([l1.item(), l2.item(), kl.item()])
        if done >= next_report:
            trainer.swap_ema()
            db = psnr(val, reconstruct(vae, val))
            trainer.unswap()
            seconds = base + clock() - start
            csv.writer(log).writerow([f"{seconds:.0f}", trainer.steps, *(f"{v:.5f}" for v in np.mean(terms, 0)), f"{db:.2f}"])
            log.flush()
            torch.save(dict(trainer=trainer.state(), seconds=seconds), state)
            print(f"{seconds:6.0f} s  step {trainer.steps}  L1 %.4f  MSE %.5f  KL %.2f" % tuple(np.mean(terms, 0)), f"PSNR {db:.2f}", flush=True)
            terms, next_report = [], next_report + max(0.05, 60 / schedule.seconds)
    trainer.swap_ema()
    torch.save(dict(trainer=trainer.state(), seconds=base + clock() - start), state)
    vae.float()
    with torch.no_grad():                                   # the average in full precision
        offset = 0
        for _, q in trainer.params:
            q.copy_(trainer.ema[offset:offset + q.numel()].view(q.shape))
            offset += q.numel()
    report(vae)
    vae.save_pretrained(os.path.join(a.run, "vae"))


if __name__ == "__main__":
    main()
