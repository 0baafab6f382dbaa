"""Distils guidance and twenty steps into a LoRA for four (latent consistency, Luo et al. 2023), for an LCM sampler with no guidance.

    python distil.py --model FOLDER --out ../companions/four-steps.safetensors --minutes 30

The teacher takes one DDIM step with guidance from a time of the sampler's grid to the next. Where it arrives the adapted model must
give the same picture as where it started. Writes PEFT's layout with the convolutions, as the LCM LoRAs of SDXL have them.
"""
import argparse

import numpy as np
import torch

import examples
import scenes
from adapters import attach, save_peft, scaled
from diffusion import Noising
from optim import Schedule, Trainer, fit
from score import load_model

GRID = np.arange(1, 51) * 20 - 1                          # of time steps: what LCM samplers pick theirs from
SIGMA, SCALING = 0.5, 10                                  # of the boundary condition, as LCM samplers have them
HUBER = 1e-3


def boundary(t):
    """How much of the noisy latents and of the prediction makes the answer at time t."""
    s = (SCALING * t.float()).view(-1, 1, 1, 1)
    return SIGMA ** 2 / (s * s + SIGMA ** 2), s / (s * s + SIGMA ** 2).sqrt()


def clean(noising, x, out, t):
    """The latents without noise, if `out` is the noise in x."""
    signal, spread = noising.at(t)
    return (x - spread * out) / signal


def answer(noising, x, out, t):
    """The consistency function: x itself at time 0."""
    skip, predicted = boundary(t)
    return skip * x + predicted * clean(noising, x, out, t)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--model", default="../model")
    p.add_argument("--out", required=True)
    p.add_argument("--minutes", type=float, required=True)
    p.add_argument("--cfg", type=float, default=5.0, help="the teacher's guidance")
    p.add_argument("--rank", type=int, default=16)
    p.add_argument("--scenes", type=int, default=2000)
    p.add_argument("--batch", type=int, default=16)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--threads", type=int, default=2)
    a = p.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    bundle, vae = load_model(None, a.model)
    data = examples.make(bundle, vae, scenes.make, a.scenes, rng)
    adapters = attach(bundle, a.rank, ("unet",), convolutions=True)
    trainer, noising = Trainer(bundle, weight_decay=0, adam_only=("",)), Noising()
    print(len(trainer.master), "parameters")

    @torch.no_grad()
    def teacher(x, t, to, text, times):
        """Where one DDIM step with guidance leads from t to `to`."""
        with scaled(adapters, 0.0):
            both = (torch.cat([torch.zeros_like(v), v]) for v in text)
            free, given = bundle(torch.cat([x, x]), torch.cat([t, t]), *both, torch.cat([times, times])).chunk(2)
        noise = free + a.cfg * (given - free)
        signal, spread = noising.at(to)
        return signal * clean(noising, x, noise, t) + spread * noise

    def loss():
        i = torch.from_numpy(rng.integers(a.scenes, size=a.batch))
        k = rng.integers(len(GRID), size=a.batch)
        t, to = torch.from_numpy(GRID[k]), torch.from_numpy(np.maximum(GRID[k] - 20, 0))
        z, times, text = data.latents[i], data.times[i], bundle.text(data.ids[i])
        signal, spread = noising.at(t)
        x = signal * z + spread * torch.randn_like(z)
        there = teacher(x, t, to, text, times)
        with torch.no_grad():
            target = answer(noising, there, bundle(there, to, *text, times), to)
        apart = answer(noising, x, bundle(x, t, *text, times), t) - target
        return ((apart * apart + HUBER ** 2).sqrt() - HUBER).mean()

    fit(trainer, Schedule(a.lr, a.minutes, warmup=20), loss)
    save_peft(a.out, adapters)


if __name__ == "__main__":
    main()
